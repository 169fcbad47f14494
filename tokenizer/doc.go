// Package tokenizer turns text into the token ids of a model and back.
//
// # From text to ids
//
// The models read here use byte-pair encoding (BPE): a text starts as a row of
// symbols, and pairs of neighbours are merged, always the pair with the lowest
// rank in the model's list, until no pair is in it. What is left are the
// tokens. There are two families:
//
//   - Byte level (GPT-2, Llama 3, Qwen 2, SmolLM): the symbols are bytes, which
//     files spell with 256 printable characters ("Ġthe" is " the"). Before
//     merging, a pattern cuts the text into words that merges do not cross; it
//     differs from model to model and decides, for one, how digits group.
//   - SentencePiece (Llama 2, Mistral): the symbols are characters, a space is
//     a visible block ("▁the"), usually one is put before the text, and a
//     character without token becomes its bytes, <0x00> to <0xFF>.
//
// Encode goes through these steps:
//
//  1. Added tokens (control codes such as <|im_end|>) are found in the text;
//     each is its id, and the steps below see the texts between them.
//  2. The text is normalized (Qwen 2 composes characters; SentencePiece puts
//     its block before the text and in place of spaces).
//  3. It is cut into words.
//  4. Each word is merged, or found in a cache of recent words.
//  5. If asked, the beginning-of-text token and the like go around it all.
//
// A control code written in a user's text must not become one: leave
// EncodeOptions.Special off for such text, or, where it is part of a prompt,
// mark it with EncodeOptions.Plain.
//
// # Where tokenizers come from
//
// [Open] and [FromJSON] read the tokenizer.json of Hugging Face (and the
// tokenizer_config.json beside it), [FromGGUF] the metadata of a GGUF file.
// The ids are those of Hugging Face's tokenizers. A file that asks for
// anything else than what is here is refused with an [UnsupportedError], a
// damaged one with a [FormatError]: wrong ids would go unnoticed and only make
// the model seem dull.
//
// A GGUF of a SentencePiece model has no merges but a score per token; each way
// to cut a token into two others is a merge, ranked by the score.
//
// # From ids to text
//
// A token need not be whole characters. [Decoder] holds bytes back until they
// are, for text that appears as it is generated; [Tokenizer.Decode] is the same
// for all ids at once.
//
// # Cost
//
// Encode takes time in proportion to the text (for a single word of n bytes,
// n log n) and 10 to 25 MB/s on one core for English, code or mixed scripts. A
// Tokenizer may be used by many goroutines at once.
package tokenizer
