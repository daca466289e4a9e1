#define NOVASR_WIDTH 4
#define NOVASR_TABLE kPortableTable
#include "dsp/kernels/kernels_body.inl"
