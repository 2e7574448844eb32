/* The kernels of the precision that a test is compiled for, double where CR_DOUBLE is 1. */
#ifndef PRECISION_H
#define PRECISION_H

#include "chainrule.h"

#include <float.h>

#if CR_DOUBLE
typedef double real;
#define PRECISION "float64"
#define KERNELS cr_f64
#define GEMM cr_gemm_f64
#define GEMM_WAY cr_gemm_way_f64
#define EPSILON ((double)DBL_EPSILON)
#define LARGEST DBL_MAX
#define SMALLEST DBL_TRUE_MIN
#define SMALLEST_NORMAL DBL_MIN
#else
typedef float real;
#define PRECISION "float32"
#define KERNELS cr_f32
#define GEMM cr_gemm_f32
#define GEMM_WAY cr_gemm_way_f32
#define EPSILON ((double)FLT_EPSILON)
#define LARGEST FLT_MAX
#define SMALLEST FLT_TRUE_MIN
#define SMALLEST_NORMAL FLT_MIN
#endif

#endif
