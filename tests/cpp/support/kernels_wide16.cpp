// The widest body without its instruction set: the compiler splits each vector, on x86-64 into two of AVX2.
#define NOVASR_WIDTH 16
#define NOVASR_TABLE kWide16Table
#include "families/novasr/kernels/kernels_body.inl"
