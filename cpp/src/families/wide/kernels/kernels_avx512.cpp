#define NOVASR_WIDTH 16
#define NOVASR_TABLE kAvx512Table
#include "kernels_body.inl"
