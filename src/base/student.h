/* student.h -- Student's t distribution: tails and quantiles.  Private. */
#ifndef NRM_STUDENT_H
#define NRM_STUDENT_H

/* P(T > t) for T of `degrees` > 0 degrees of freedom, t >= 0, infinite degrees being the normal
 * law.  Relative error about 1e-13, down to the least normal number. */
double nrm_student_tail(double t, double degrees);
/* The t >= 0 with P(T > t) = tail, 0 < tail <= 1/2; relative error about 1e-13. */
double nrm_student_quantile(double tail, double degrees);

#endif
