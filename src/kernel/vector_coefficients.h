/* vector_coefficients.h -- made by tests/reference/elementwise_polynomials.py, which says how.
 * Constant first; the number is the greatest error of the value they serve, relative for
 * what tends to 0, before rounding of the evaluation. */
#ifndef NRM_VECTOR_COEFFICIENTS_H
#define NRM_VECTOR_COEFFICIENTS_H

/* (e^t - 1 - t) / t^2, |t| <= ln2 / 2: 1.4e-08 */
static const float NRM_EXP_F32[] = {
    0x1.000000p-1f, 0x1.5554b0p-3f, 0x1.5554dep-5f, 0x1.122798p-7f, 0x1.6d58bap-10f,
};

/* (2 atanh(s) / s - 2) / s^2 in s^2, |s| <= 0.1716: 1.6e-09 */
static const float NRM_LOG_F32[] = {
    0x1.55557ap-1f, 0x1.995ed6p-2f, 0x1.31e078p-2f,
};

/* the same, |s| <= 1/3: 6.7e-11 */
static const float NRM_LOG1P_F32[] = {
    0x1.555556p-1f, 0x1.99991ep-2f, 0x1.24a0cap-2f, 0x1.c5dbb6p-3f, 0x1.75208ap-3f, 0x1.7f0cd4p-3f,
};

/* (that - 2/3) / s^2, |s| <= 0.1716: 1.7e-11 */
static const float NRM_POW_F32[] = {
    0x1.999a00p-2f, 0x1.245282p-2f, 0x1.dfa06ep-3f,
};

/* Phi(-a) e^(a^2/2) (a + 2.5) in (a - 2.5) / (a + 2.5): 4.0e-08 */
static const float NRM_TAIL_F32[] = {
    0x1.69cee6p-1f, -0x1.bc19c2p-2f, 0x1.0e4f7cp-3f, 0x1.2ea4bap-7f, -0x1.0c8740p-6f, -0x1.a3f976p-10f,
    0x1.4be238p-9f, 0x1.692f50p-11f, -0x1.4d869ep-12f, -0x1.54550ap-13f,
};

/* erf(x) / x - 1 in x^2, |x| <= 3/4: 1.6e-09 */
static const float NRM_ERF_F32[] = {
    0x1.06eba8p-3f, -0x1.81273cp-2f, 0x1.ce2b54p-4f, -0x1.b7b2a4p-6f, 0x1.4f79cep-8f, -0x1.6384a0p-11f,
};

/* (sin t - t) / t^3 in t^2: 4.8e-09 */
static const float NRM_SIN_F32[] = {
    -0x1.555542p-3f, 0x1.110600p-7f, -0x1.98d9d0p-13f,
};

/* (cos t - 1 + t^2 / 2) / t^4 in t^2: 1.4e-10 */
static const float NRM_COS_F32[] = {
    0x1.555548p-5f, -0x1.6c0af2p-10f, 0x1.998fdcp-16f,
};

/* (e^t - 1 - t) / t^2, |t| <= ln2 / 2: 1.8e-17 */
static const double NRM_EXP_F64[] = {
    0x1.0000000000005p-1, 0x1.555555555555cp-3, 0x1.55555555520f4p-5, 0x1.111111110e7fep-7,
    0x1.6c16c17f37334p-10, 0x1.a01a01b577c71p-13, 0x1.a019a6870bc66p-16, 0x1.71ddead55db09p-19,
    0x1.28a2a9fb87d99p-22, 0x1.af756ba4df88ap-26,
};

/* (2 atanh(s) / s - 2) / s^2 in s^2, |s| <= 0.1716: 2.5e-18 */
static const double NRM_LOG_F64[] = {
    0x1.5555555555592p-1, 0x1.999999997ff30p-2, 0x1.24924941df691p-2, 0x1.c71c5216347e9p-3,
    0x1.74663c7ed8b23p-3, 0x1.39a1f4bb3e7d5p-3, 0x1.2f033c0756d1ap-3,
};

/* the same, |s| <= 1/3: 2.6e-20 */
static const double NRM_LOG1P_F64[] = {
    0x1.5555555555555p-1, 0x1.9999999999acep-2, 0x1.24924924850cfp-2, 0x1.c71c71d0ae842p-3,
    0x1.745d152e6d69bp-3, 0x1.3b13fd48a419fp-3, 0x1.1109c1d54a47ap-3, 0x1.e2d9cf4a532f4p-4,
    0x1.a3d48801b766ep-4, 0x1.dfb6ca6d71963p-4, -0x1.90bdda2b30472p-6, 0x1.a02c7516194ccp-2,
    -0x1.4d91c9de91b1ap-2,
};

/* (that - 2/3) / s^2, |s| <= 0.1716: 1.8e-23 */
static const double NRM_POW_F64[] = {
    0x1.999999999999ap-2, 0x1.2492492492387p-2, 0x1.c71c71c73f7f8p-3, 0x1.745d173212b47p-3,
    0x1.3b13b7e34cea2p-3, 0x1.110fa9d70d99dp-3, 0x1.e240dddabec46p-4, 0x1.a793cc7136bf7p-4,
    0x1.d9d66478cb9e0p-4,
};

/* Phi(-a) e^(a^2/2) (a + 4.0) in (a - 4.0) / (a + 4.0): 1.2e-16 */
static const double NRM_TAIL_F64[] = {
    0x1.82b4bb8c94dcep-1, -0x1.373e3a893c27ep-1, 0x1.8c6dbf2cfc2e8p-2, -0x1.7dff2bff6973bp-3,
    0x1.eec4cc3e450ecp-5, -0x1.ee2760ffd72f0p-8, -0x1.c81719c969accp-9, 0x1.ab825ebf94be9p-10,
    0x1.17a4a570d25a5p-13, -0x1.e4a3e8b60697cp-13, -0x1.000efb38d070ap-19, 0x1.26cc52f5fc7c7p-15,
    0x1.7f9fe8b24efb7p-21, -0x1.8ceb8dcf4fa33p-18, -0x1.4ec7bc4388794p-21, 0x1.0fa2ded914ddfp-20,
    0x1.178293038e7dcp-22, -0x1.383e6e7cdd9dap-23, -0x1.3523ff92d20a9p-24, 0x1.340c26041d8f7p-27,
    0x1.7175b8930d036p-27, 0x1.b952cf81fe889p-30,
};

/* erf(x) / x - 1 in x^2, |x| <= 3/4: 1.2e-17 */
static const double NRM_ERF_F64[] = {
    0x1.06eba8214db69p-3, -0x1.812746b037a10p-2, 0x1.ce2f21a044f1fp-4, -0x1.b82ce313684b0p-6,
    0x1.565bcd401421ep-8, -0x1.c02dc1a434997p-11, 0x1.f9a59993784c2p-14, -0x1.f51deefd90832p-17,
    0x1.c0131204d1bbap-20, -0x1.b5afdc16b7e2ap-23, 0x1.0042e1e241e37p-24, -0x1.0386d9554f2f9p-25,
    0x1.1e141c80d8345p-27,
};

/* (sin t - t) / t^3 in t^2: 3.5e-18 */
static const double NRM_SIN_F64[] = {
    -0x1.5555555555549p-3, 0x1.111111110f899p-7, -0x1.a01a019c13680p-13, 0x1.71de357817ea0p-19,
    -0x1.ae5e65d7da8e8p-26, 0x1.5d92bcd6fc1bdp-33,
};

/* (cos t - 1 + t^2 / 2) / t^4 in t^2: 4.9e-20 */
static const double NRM_COS_F64[] = {
    0x1.555555555554cp-5, -0x1.6c16c16c15219p-10, 0x1.a01a019cbe423p-16, -0x1.27e4f8118b276p-22,
    0x1.1ee9f04ee8e89p-29, -0x1.8fb08feed38b8p-37,
};

#endif
