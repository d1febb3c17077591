/* Made by tests/reference/sparse_ot.py; do not edit. */
static const double reference_conjugate_value[] = {0.05443387361467882, 0.058583457575351994,
    0.058583457575351994, 0.058583457575351994, 0.058583457575351994, 0.058583457575351994,
    0.058583457575351994};
static const double reference_conjugate_t[] = {0.0, 0.0, 0.39999999999999997, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0, 0.3230066425808307, 0.0, 0.0, 0.07699335741916927, 0.0, 0.0, 0.0, 0.3230066425808307,
    0.0, 0.0, 0.07699335741916927, 0.0, 0.0, 0.0, 0.3230066425808307, 0.0, 0.0, 0.07699335741916927,
    0.0, 0.0, 0.0, 0.3230066425808307, 0.0, 0.0, 0.07699335741916927, 0.0, 0.0, 0.0,
    0.3230066425808307, 0.0, 0.0, 0.07699335741916927, 0.0, 0.0, 0.0, 0.3230066425808307, 0.0, 0.0,
    0.07699335741916927, 0.0};
static const double reference_bins_exact[] = {0.03804189216869831};
static const double reference_bins_smooth[] = {0.03954760509801901, 0.045770136417848176};
static const double reference_bins_split_smooth[] = {0.01748786860820005};
static const double reference_assignment_cost[] = {0.10548791362065439};
static const double reference_assignment_column[] = {6.0, 1.0, 2.0, 7.0, 0.0, 9.0, 4.0, 8.0, 11.0,
    10.0, 5.0, 3.0};
static const double reference_small_semi_dual[] = {0.29391124707376637, 0.2928079095709329,
    0.2928079104210026};
static const double reference_small_row_semi_dual[] = {0.3125484804238817, 0.2957353005325537};
static const double reference_example_dual[] = {0.2799999952081475, 0.2699999999448087};
static const double reference_example_primal[] = {0.34, 0.27};
