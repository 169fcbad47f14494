// Package jinja interprets the Jinja templates that language models carry to
// turn a conversation into a prompt. It follows Jinja 2 (3.1) as Hugging Face's
// transformers sets it up for chat templates: trim_blocks, lstrip_blocks, no
// trailing newline, loop controls, a JSON filter that does not escape HTML, the
// functions raise_exception and strftime_now, and the {% generation %} tag.
//
// Two properties made an interpreter of our own worthwhile:
//
//   - Every string knows which of its bytes came from data and which from the
//     template ([Str]). The marks survive concatenation, slicing, trimming,
//     splitting, replacing and JSON, so the caller can tell a special token
//     written by the template from the same characters typed by a user.
//   - A template is untrusted input. All work is charged to a budget (steps,
//     bytes, depth): a template can fail, but it can neither run for ever, nor
//     exhaust memory, nor overflow the stack. See limits.go.
//
// The path of a template: lex.go cuts the source into tokens, parse.go and
// parse_expr.go build the tree of ast.go, exec.go runs statements, eval.go
// evaluates expressions over the values of value.go and str.go; filters*.go,
// tests.go, methods.go and format.go are the library a template may call.
//
// Not supported, with an error that says so: include, import, extends (a chat
// template is one file), and the filters random, urlize, xmlattr, striptags,
// filesizeformat and pprint.
package jinja
