/* convolution_undefine.h -- forgets what convolution_vector.h was given for one type. */
#undef REAL
#undef VEC
#undef LANES
#undef F
#undef LOAD
#undef STORE
#undef SET1
#undef FMA
#undef TOTAL
