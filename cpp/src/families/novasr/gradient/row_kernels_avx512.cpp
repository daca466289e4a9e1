#define NOVASR_ROW_KERNELS kAvx512RowKernels
#include "row_kernels_body.inl"
