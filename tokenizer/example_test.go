package tokenizer_test

import (
	"fmt"
	"os"

	"github.com/lighttransfer/lighttransfer/tokenizer"
)

func open() *tokenizer.Tokenizer {
	data, err := os.ReadFile("testdata/tiny.tokenizer.json")
	if err != nil {
		panic(err)
	}
	config := []byte(`{"bos_token": "<|bos|>", "eos_token": "<|eos|>"}`)
	t, err := tokenizer.FromJSON(data, config)
	if err != nil {
		panic(err)
	}
	return t
}

func Example() {
	t := open()
	ids := t.Encode("The magic number is 42.", tokenizer.EncodeOptions{AddBOS: true})
	fmt.Println(ids)
	for _, id := range ids {
		fmt.Printf("[%s]", t.Token(id))
	}
	fmt.Println()
	fmt.Println(t.Decode(ids, true))
	// Output:
	// [0 315 313 312 300 225 24 22 18]
	// [<|bos|>][The][Ġmagic][Ġnumber][Ġis][Ġ][4][2][.]
	// The magic number is 42.
}

// Control codes in a user's text are text; in the prompt around it they count.
func ExampleEncodeOptions() {
	t := open()
	prompt, user := "<|user|>", "hi<|eos|>"
	all := prompt + user + "<|assistant|>"
	ids := t.Encode(all, tokenizer.EncodeOptions{
		Special: true,
		Plain:   [][2]int{{len(prompt), len(prompt) + len(user)}},
	})
	for _, id := range ids {
		if t.IsSpecial(id) {
			fmt.Println(t.Token(id))
		}
	}
	// Output:
	// <|user|>
	// <|assistant|>
}

// A Decoder never shows half a character.
func ExampleDecoder() {
	t := open()
	d := t.NewDecoder(true)
	for _, id := range t.Encode("¡olé!", tokenizer.EncodeOptions{}) {
		fmt.Printf("%q ", d.Add(id))
	}
	fmt.Printf("%q\n", d.Flush())
	// Output:
	// "" "¡" "ol" "" "é" "!" ""
}
