/* The C block of the README, as a program: softmax of three numbers. */
#include <norma/norma.h>
#include <stdio.h>

int main(void)
{
    const float x[3] = {1000, 1001, 999};
    float y[3];

    const nrm_status status = nrm_softmax_f32(NULL, 1, 3, x, 3, NULL, y, 3, NULL, NULL, NULL);
    if (status < 0) return 1;
    printf("%.6f %.6f %.6f\n", (double)y[0], (double)y[1], (double)y[2]);
    return 0;
}
