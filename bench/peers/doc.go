// Peers measures this program and llama.cpp side by side and writes what came out
// to docs/performance.md.
//
//	bench/peers/install.sh DIR                            # once: llama.cpp, compiled for this machine
//	go run ./bench/mkmodel -o random.gguf
//	go run ./bench/peers -llama DIR -model random.gguf    # an hour, on a machine with nothing else to do
//
// Both run on one thread, pinned to the same core, in turns: each round measures
// llama.cpp with and without its flash attention, and this program under several
// policies. A figure is the median of the rounds; llama.cpp's is that of the
// better setting. Everything measured is kept in a log, a line each, and the page
// is made of the log: a run can be continued, and -rounds 0 only writes the page.
//
// Only what stands between the two marks in the page is replaced.
package main
