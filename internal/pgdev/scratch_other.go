//go:build !linux

package pgdev

const memory = ""

func memoryHas(uint64) bool { return false }
