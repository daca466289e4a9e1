#define NOVASR_WIDTH 4
#define NOVASR_TABLE kSse41Table
#include "kernels_body.inl"
