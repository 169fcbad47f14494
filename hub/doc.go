// Package hub fetches models from the Hugging Face hub, or a mirror that speaks
// its protocol, into the cache that other tools share:
//
//	<cache>/models--org--name/
//		blobs/<etag>                 the files' contents; <etag>.incomplete while on the way
//		snapshots/<commit>/<file>    links into blobs
//		refs/<branch>                the commit a branch stood at
//	<cache>/.locks/models--org--name/<etag>.lock
//
// What another tool has fetched is found and not fetched again, and the other
// way round. A file gets its name only when it is complete and its hash is
// right, so that a model in the cache is never half a file; what was
// interrupted, by a dropped connection or a killed process, goes on where it
// stopped. The etag of a large file is its sha256, of a small one its git hash:
// both are checked.
//
// The environment is that of the hub's own tools: HF_HOME, HF_HUB_CACHE,
// XDG_CACHE_HOME (where the cache is), HF_TOKEN, HF_TOKEN_PATH (who asks),
// HF_ENDPOINT (whom) and HF_HUB_OFFLINE (nobody).
package hub
