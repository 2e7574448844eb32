/* From the columns of a table to numbers (numbers.c says what these files are) */

/*: number_input */
/* Of a number of a table: z = (x - median) scale, bent at the ends to z/sqrt(1 + (z/3)^2); 0 where it is missing */
static real number_input(double x, double median, double scale)
{
    double z = (x - median) * scale;
    double bend;
    if (z != z) {
        z = 0.0;
    }
    z = (z > 1e100) ? 1e100 : z;
    z = (z < -1e100) ? -1e100 : z;
    bend = z / 3.0;
    return NARROW(z / sqrt(bend * bend + 1.0));
}

/*: bins_input */
/* Of each bin of a number -1 below it, 1 above it, and a line between; 0 where it is missing */
static void bins_input(double x, const double *edges, size_t n, real *a)
{
    for (size_t i = 0U; i < n; i++) {
        double inside = (x != x) ? 0.5 : (x - edges[i]) / (edges[i + 1U] - edges[i]);
        inside = inside * 2.0 - 1.0;
        inside = (inside < -1.0) ? -1.0 : inside;
        a[i] = NARROW((inside > 1.0) ? 1.0 : inside);
    }
}

/*: place_of */
/* The place of a number among n known ones; n where it is none of them */
static size_t place_of(double x, const double *known, size_t n)
{
    size_t place = 0U;
    while ((place < n) && (known[place] != x)) {
        place++;
    }
    return place;
}

/*: place_of_code */
static size_t place_of_code(int32_t code, size_t n)
{
    return ((code >= 0) && ((size_t)code < n)) ? (size_t)code : n;
}

/*: one_hot */
static void one_hot(size_t place, size_t n, real *a)
{
    for (size_t i = 0U; i < n; i++) {
        a[i] = (i == place) ? REAL(1.0) : REAL(0.0);
    }
}

/*: one_of */
/* One of n categories, whose inputs are then scaled as numbers are */
static void one_of(size_t place, size_t n, const real *on, const real *off, real *a)
{
    for (size_t i = 0U; i < n; i++) {
        a[i] = (i == place) ? on[i] : off[i];
    }
}

/*: days_since */
/* Days from one date to another, both in microseconds */
static double days_since(int64_t begin, int64_t when)
{
    if (when == INT64_MIN) {
        return (double)NAN;
    }
    return (double)(int64_t)((uint64_t)when - (uint64_t)begin) / 86400000000.0;
}

/*: floored */
/* a/b, rounded down, for b > 0 */
static int64_t floored(int64_t a, int64_t b)
{
    return a / b - (int64_t)((a % b) < 0);
}

/*: month_of needs floored */
/* 1 to 12: years begin in March here, so that the leap day is their last */
static double month_of(int64_t when)
{
    const int64_t days = floored(when, INT64_C(86400000000)) + 719468;
    const int64_t day = days - floored(days, 146097) * 146097; /* of 400 years */
    const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const int64_t month = (5 * (day - (365 * year + year / 4 - year / 100)) + 2) / 153;
    if (when == INT64_MIN) {
        return (double)NAN;
    }
    return (double)((month < 10) ? month + 3 : month - 9);
}

/*: weekday_of needs floored */
/* 0 for Monday */
static double weekday_of(int64_t when)
{
    const int64_t days = floored(when, INT64_C(86400000000)) + 3; /* 1970 began on a Thursday */
    return (when == INT64_MIN) ? (double)NAN : (double)(days - floored(days, 7) * 7);
}

/*: hour_of needs floored */
static double hour_of(int64_t when)
{
    const int64_t hours = floored(when, INT64_C(3600000000));
    return (when == INT64_MIN) ? (double)NAN : (double)(hours - floored(hours, 24) * 24);
}
