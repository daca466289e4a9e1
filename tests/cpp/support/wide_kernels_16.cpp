// The widest body of the family `wide` without its instruction set, as in kernels_wide16.cpp.
#define NOVASR_WIDTH 16
#define NOVASR_TABLE kWide16Table
#include "families/wide/kernels/kernels_body.inl"
