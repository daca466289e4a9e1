#define NOVASR_WIDTH 8
#define NOVASR_TABLE kAvx2Table
#include "kernels_body.inl"
