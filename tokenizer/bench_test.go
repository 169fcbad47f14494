package tokenizer

import (
	"testing"
)

// Run with
//
//	go test ./tokenizer -run none -bench . -cpu 1
func BenchmarkEncode(b *testing.B) {
	for _, name := range goldNames {
		for _, part := range []string{"english", "code", "multi"} {
			b.Run("tokenizer="+name+"/text="+part, func(b *testing.B) {
				tok := sharedTokenizer(b, name)
				text := string(readShared(b, "measure-only", "tokenizer", "bulk_"+part+".txt.gz"))
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					tok.cache = newWordCache() // every text is new
					tok.Encode(text, EncodeOptions{})
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range goldNames {
		b.Run("tokenizer="+name, func(b *testing.B) {
			tok := sharedTokenizer(b, name)
			text := string(readShared(b, "measure-only", "tokenizer", "bulk_multi.txt.gz"))
			ids := tok.Encode(text, EncodeOptions{})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tok.Decode(ids, false)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, name := range goldNames {
		b.Run("tokenizer="+name, func(b *testing.B) {
			data := readShared(b, "measure-only", "tokenizer", name+".tokenizer.json.gz")
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := FromJSON(data, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
