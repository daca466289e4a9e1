#define NOVASR_WIDTH 4
#define NOVASR_TABLE kPortableTable
#include "kernels_body.inl"
