package kernel

var vecAVX2, vecAVX512 = &vecGeneric, &vecGeneric
