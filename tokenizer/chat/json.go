package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/lighttransfer/lighttransfer/tokenizer/chat/internal/jinja"
)

// Object is a JSON object that keeps the order of its keys.
type Object = jinja.Object

const maxJSONDepth = 200

// Decode reads the variables of a rendering from a JSON object. Inner objects
// become *Object, so that tool schemas are shown in the order they were written
// in, and numbers json.Number, so that 1.0 stays 1.0.
func Decode(object []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("chat data: %w", err)
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, errors.New(`chat data: expected a JSON object like {"messages": [...]}`)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("chat data: text follows the JSON object")
	}
	out := make(map[string]any, len(o.Keys))
	for i, k := range o.Keys {
		out[k] = o.Values[i]
	}
	return out, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d at byte %d", maxJSONDepth, d.InputOffset())
	}
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	o := &Object{}
	at := map[string]int{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a key that is no string at byte %d", d.InputOffset())
		}
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		if i, ok := at[key]; ok { // the last value wins, in the first place
			o.Values[i] = v
			continue
		}
		at[key] = len(o.Keys)
		o.Keys = append(o.Keys, key)
		o.Values = append(o.Values, v)
	}
	_, err = d.Token()
	return o, err
}
