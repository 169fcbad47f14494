// Command lighttransfer runs long-context language models with a hybrid KV cache
// from the command line: see the package lighttransfer for what that is, and
// "lighttransfer help" for the verbs.
//
// Every verb is one file. What they share: root.go (exit statuses, --json, where
// messages go), policy.go (the flags that say how a session computes) and
// model.go (opening a model).
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
