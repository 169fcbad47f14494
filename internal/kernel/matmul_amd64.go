package kernel

var matAVX2, matAVX512 = &matGeneric, &matGeneric
