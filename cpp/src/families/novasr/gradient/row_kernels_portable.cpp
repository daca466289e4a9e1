#define NOVASR_ROW_KERNELS kPortableRowKernels
#include "row_kernels_body.inl"
