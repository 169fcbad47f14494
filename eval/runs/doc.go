// Package runs is an evaluation on disk: a folder with what was asked for
// (config.json) and one JSON line per answered record and policy
// (results-I-of-N.jsonl, one file per shard).
//
// A run can be killed at any moment: lines are appended whole, a torn last line is
// noticed and dropped when the folder is opened again, and what is there is not
// asked again. Shards need no coordination; [Read] merges them and says what is
// missing. Nothing here knows models.
package runs
