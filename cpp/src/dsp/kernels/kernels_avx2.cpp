#define NOVASR_WIDTH 8
#define NOVASR_TABLE kAvx2Table
#include "dsp/kernels/kernels_body.inl"
