//go:build !amd64 && !arm64

package kernel

// attnTiers is the attention of each tier; nil means plain Go.
var attnTiers [numTiers]*attnPair
