/* Which SIMD variant of the kernels runs, and the names in the lists of chainrule.h. */
#include "chainrule.h"

#include <string.h>

#define NAME_ACTIVATION(name, x) #name,
#define SOURCE_ACTIVATION(name, x) (#x)[0],
#define NAME_COST(name, output, low) #name,
#define OUTPUT_COST(name, output, low) CR_ACTIVATION_##output,
#define LOW_COST(name, output, low) low,
#define NAME_OPTIMIZER(name) #name,
#define NAME_INPUT(name, type, formats, exact) #name,
#define FORMATS_INPUT(name, type, formats, exact) formats,
#define SIZE_INPUT(name, type, formats, exact) sizeof(type),
const char *const cr_activation_names[CR_ACTIVATION_COUNT] = {CR_ACTIVATIONS(NAME_ACTIVATION)};
const char cr_activation_sources[CR_ACTIVATION_COUNT] = {CR_ACTIVATIONS(SOURCE_ACTIVATION)};
const char *const cr_cost_names[CR_COST_COUNT] = {CR_COSTS(NAME_COST)};
const char *const cr_optimizer_names[CR_OPTIMIZER_COUNT] = {CR_OPTIMIZERS(NAME_OPTIMIZER)};
const char *const cr_input_names[CR_INPUT_COUNT] = {CR_INPUTS(NAME_INPUT)};
const char *const cr_input_formats[CR_INPUT_COUNT] = {CR_INPUTS(FORMATS_INPUT)};
const size_t cr_input_sizes[CR_INPUT_COUNT] = {CR_INPUTS(SIZE_INPUT)};
const int cr_cost_outputs[CR_COST_COUNT] = {CR_COSTS(OUTPUT_COST)};
const int cr_cost_lows[CR_COST_COUNT] = {CR_COSTS(LOW_COST)};

extern const cr_kernels_f32 cr_kernels_baseline_f32;
extern const cr_kernels_f64 cr_kernels_baseline_f64;
#ifdef CR_X86_VARIANTS
extern const cr_kernels_f32 cr_kernels_avx2_f32, cr_kernels_avx512_f32;
extern const cr_kernels_f64 cr_kernels_avx2_f64, cr_kernels_avx512_f64;
#endif
#ifdef CR_AVX512BF16_VARIANT
extern const cr_kernels_f32 cr_kernels_avx512bf16_f32;
static cr_kernels_f32 with_bfloat16; /* the kernels of avx512 but for those that this processor has better ones of */
#endif

const cr_kernels_f32 *cr_f32 = &cr_kernels_baseline_f32;
const cr_kernels_f64 *cr_f64 = &cr_kernels_baseline_f64;

const char *cr_select_simd(const char *name) {
    struct {
        const char *name;
        int usable;
        const cr_kernels_f32 *f32;
        const cr_kernels_f64 *f64;
    } variants[] = {
    /* the best first */
#ifdef CR_AVX512BF16_VARIANT
        {"avx512bf16", cr_detect_cpu().avx512bf16, &with_bfloat16, &cr_kernels_avx512_f64},
#endif
#ifdef CR_X86_VARIANTS
        {"avx512", cr_detect_cpu().avx512, &cr_kernels_avx512_f32, &cr_kernels_avx512_f64},
        {"avx2", cr_detect_cpu().avx2, &cr_kernels_avx2_f32, &cr_kernels_avx2_f64},
#endif
        {"baseline", 1, &cr_kernels_baseline_f32, &cr_kernels_baseline_f64},
    };
#ifdef CR_AVX512BF16_VARIANT
    with_bfloat16 = cr_kernels_avx512_f32;
    with_bfloat16.gemm_bfloat16 = cr_kernels_avx512bf16_f32.gemm_bfloat16;
#endif
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (variants[i].usable && (!name || !strcmp(name, variants[i].name))) {
            cr_f32 = variants[i].f32;
            cr_f64 = variants[i].f64;
            return variants[i].name;
        }
    }
    return NULL;
}
