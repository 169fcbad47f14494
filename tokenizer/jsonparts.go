package tokenizer

import (
	"encoding/json"
	"fmt"
)

// The parts of a tokenizer.json around the model. Each is null, an object with
// a type, or a Sequence of such objects.

// list returns the members of a Sequence, whose key depends on the part, or
// the part itself as the only member; none for null.
func list(where, key string, raw json.RawMessage) ([]json.RawMessage, error) {
	kind, err := typeOf(where, raw)
	if err != nil || isNull(raw) {
		return nil, err
	}
	if kind != "Sequence" {
		return []json.RawMessage{raw}, nil
	}
	var seq map[string]json.RawMessage
	if err := strict(jsonFile, where, raw, &seq); err != nil {
		return nil, err
	}
	for k := range seq {
		if k != "type" && k != key {
			return nil, unsupported(jsonFile, where, fmt.Sprintf("key %q", k), "it could change the ids")
		}
	}
	var members []json.RawMessage
	if err := strict(jsonFile, join(where, key), seq[key], &members); err != nil {
		return nil, err
	}
	return members, nil
}

func (d *definition) readNormalizer(where string, raw json.RawMessage) error {
	members, err := list(where, "normalizers", raw)
	if err != nil {
		return err
	}
	for _, raw := range members {
		kind, err := typeOf(where, raw)
		if err != nil {
			return err
		}
		switch kind {
		case "NFC":
			var v struct {
				Type string `json:"type"`
			}
			if err := strict(jsonFile, where, raw, &v); err != nil {
				return err
			}
			d.normalizer = append(d.normalizer, nfc)
		case "Prepend":
			var v struct {
				Type    string `json:"type"`
				Prepend string `json:"prepend"`
			}
			if err := strict(jsonFile, where, raw, &v); err != nil {
				return err
			}
			d.normalizer = append(d.normalizer, prepend(v.Prepend))
		case "Replace":
			from, to, err := readReplace(where, raw)
			if err != nil {
				return err
			}
			d.normalizer = append(d.normalizer, replace(from, to))
		default:
			return unsupported(jsonFile, where, "normalizer "+clip(kind), "NFC, Prepend, Replace and a Sequence of them are")
		}
	}
	return nil
}

func readReplace(where string, raw json.RawMessage) (from, to string, err error) {
	var v struct {
		Type    string `json:"type"`
		Pattern struct {
			String *string `json:"String"`
			Regex  *string `json:"Regex"`
		} `json:"pattern"`
		Content string `json:"content"`
	}
	if err := strict(jsonFile, where, raw, &v); err != nil {
		return "", "", err
	}
	if v.Pattern.Regex != nil {
		return "", "", unsupported(jsonFile, where, "Replace of a regular expression "+clip(*v.Pattern.Regex), "Replace of a string is")
	}
	if v.Pattern.String == nil || *v.Pattern.String == "" {
		return "", "", malformed(jsonFile, where, "a Replace without a pattern")
	}
	return *v.Pattern.String, v.Content, nil
}

const preTokenizers = "ByteLevel (GPT-2), Digits + ByteLevel (SmolLM), the Split + ByteLevel of Llama 3 and of Qwen 2, Metaspace with prepend_scheme and without split, and none are"

// byteLevelPart is the ByteLevel of any part. trim_offsets is about offsets,
// which we do not give out.
type byteLevelPart struct {
	Type           string `json:"type"`
	AddPrefixSpace bool   `json:"add_prefix_space"`
	TrimOffsets    bool   `json:"trim_offsets"`
	UseRegex       *bool  `json:"use_regex"` // default true
}

func (d *definition) readPreTokenizer(where string, raw json.RawMessage) error {
	members, err := list(where, "pretokenizers", raw)
	if err != nil {
		return err
	}
	kinds := ""
	for _, raw := range members {
		kind, err := typeOf(where, raw)
		if err != nil {
			return err
		}
		if kinds != "" {
			kinds += " + "
		}
		kinds += kind
	}
	switch kinds {
	case "":
		return nil
	case "Metaspace":
		return d.readMetaspace(where, members[0])
	case "ByteLevel":
		d.pattern = patternGPT2
	case "Digits + ByteLevel":
		d.pattern = patternDigits
		var v struct {
			Type       string `json:"type"`
			Individual bool   `json:"individual_digits"`
		}
		if err := strict(jsonFile, where, members[0], &v); err != nil {
			return err
		}
		if !v.Individual {
			return unsupported(jsonFile, where, "Digits without individual_digits", preTokenizers)
		}
	case "Split + ByteLevel":
		if d.pattern, err = readSplit(where, members[0]); err != nil {
			return err
		}
	default:
		return unsupported(jsonFile, where, clip(kinds), preTokenizers)
	}
	d.byteLevel = true
	var v byteLevelPart
	if err := strict(jsonFile, where, members[len(members)-1], &v); err != nil {
		return err
	}
	if v.AddPrefixSpace {
		return unsupported(jsonFile, where, "ByteLevel with add_prefix_space", "without it, it is")
	}
	useRegex := v.UseRegex == nil || *v.UseRegex
	if wanted := d.pattern == patternGPT2 || d.pattern == patternDigits; useRegex != wanted {
		return unsupported(jsonFile, where, fmt.Sprintf("%s with use_regex %v", kinds, useRegex), preTokenizers)
	}
	return nil
}

func readSplit(where string, raw json.RawMessage) (pattern, error) {
	var v struct {
		Type    string `json:"type"`
		Pattern struct {
			Regex  string `json:"Regex"`
			String string `json:"String"`
		} `json:"pattern"`
		Behavior string `json:"behavior"`
		Invert   bool   `json:"invert"`
	}
	if err := strict(jsonFile, where, raw, &v); err != nil {
		return 0, err
	}
	p, ok := splitRegexes[v.Pattern.Regex]
	if !ok {
		return 0, unsupported(jsonFile, where, "a Split by "+clip(v.Pattern.Regex+v.Pattern.String), preTokenizers)
	}
	if v.Behavior != "Isolated" || v.Invert {
		return 0, unsupported(jsonFile, where, fmt.Sprintf("Split with behavior %q and invert %v", v.Behavior, v.Invert), "only Isolated and false are")
	}
	return p, nil
}

func (d *definition) readMetaspace(where string, raw json.RawMessage) error {
	var v struct {
		Type           string  `json:"type"`
		Replacement    string  `json:"replacement"`
		AddPrefixSpace *bool   `json:"add_prefix_space"` // old spelling of prepend_scheme
		PrependScheme  *string `json:"prepend_scheme"`
		Split          *bool   `json:"split"` // default true
	}
	if err := strict(jsonFile, where, raw, &v); err != nil {
		return err
	}
	if v.Replacement != block {
		return unsupported(jsonFile, where, "Metaspace with replacement "+clip(v.Replacement), block+" is")
	}
	if v.Split == nil || *v.Split || v.PrependScheme == nil {
		return unsupported(jsonFile, where, "Metaspace with split or without prepend_scheme", preTokenizers)
	}
	d.metaspace.on = true
	switch *v.PrependScheme {
	case "first":
		d.metaspace.prefix = prefixFirst
	case "always":
		d.metaspace.prefix = prefixAlways
	case "never":
	default:
		return unsupported(jsonFile, where, "prepend_scheme "+clip(*v.PrependScheme), "first, always and never are")
	}
	if v.AddPrefixSpace != nil && *v.AddPrefixSpace == (d.metaspace.prefix == prefixNever) {
		return malformed(jsonFile, where, "Metaspace's add_prefix_space contradicts its prepend_scheme")
	}
	return nil
}

const decoders = "ByteLevel with a ByteLevel pre_tokenizer; else Replace ▁ by a space, ByteFallback, Fuse and Strip of at most one space at the start"

func (d *definition) readDecoder(where string, raw json.RawMessage) error {
	members, err := list(where, "decoders", raw)
	if err != nil {
		return err
	}
	kinds := ""
	for _, raw := range members {
		kind, err := typeOf(where, raw)
		if err != nil {
			return err
		}
		switch kind {
		case "ByteLevel":
			err = strict(jsonFile, where, raw, &byteLevelPart{})
		case "Replace":
			var from, to string
			if from, to, err = readReplace(where, raw); err == nil && (from != block || to != " ") {
				err = unsupported(jsonFile, where, fmt.Sprintf("decoder Replace of %q by %q", from, to), decoders+" are")
			}
		case "ByteFallback", "Fuse":
			err = strict(jsonFile, where, raw, &struct {
				Type string `json:"type"`
			}{})
		case "Strip":
			var v struct {
				Type    string `json:"type"`
				Content string `json:"content"`
				Start   int    `json:"start"`
				Stop    int    `json:"stop"`
			}
			err = strict(jsonFile, where, raw, &v)
			if err == nil && (v.Content != " " || v.Start != 1 || v.Stop != 0) {
				err = unsupported(jsonFile, where, fmt.Sprintf("decoder Strip of %d and %d %q", v.Start, v.Stop, v.Content), decoders+" are")
			}
		}
		if err != nil {
			return err
		}
		kinds += kind + " "
	}
	switch {
	case d.byteLevel && kinds == "ByteLevel ":
	case !d.byteLevel && d.bytes != nil && kinds == "Replace ByteFallback Fuse ":
	case !d.byteLevel && d.bytes != nil && kinds == "Replace ByteFallback Fuse Strip ":
		d.stripSpace = true
	default:
		return unsupported(jsonFile, where, "decoder "+clip(kinds)+" here", decoders+" are")
	}
	return nil
}

func (d *definition) readPostProcessor(where string, raw json.RawMessage) error {
	members, err := list(where, "processors", raw)
	if err != nil {
		return err
	}
	templates := 0
	for _, raw := range members {
		kind, err := typeOf(where, raw)
		if err != nil {
			return err
		}
		switch kind {
		case "ByteLevel": // only trims offsets
			err = strict(jsonFile, where, raw, &byteLevelPart{})
		case "TemplateProcessing":
			templates++
			err = d.readTemplate(where, raw)
		default:
			err = unsupported(jsonFile, where, "post-processor "+clip(kind), "ByteLevel, TemplateProcessing and a Sequence of them are")
		}
		if err != nil {
			return err
		}
	}
	if templates > 1 {
		return unsupported(jsonFile, where, "more than one TemplateProcessing", "")
	}
	return nil
}

// readTemplate reads what goes around a single text. Pairs of texts are for
// classifiers.
func (d *definition) readTemplate(where string, raw json.RawMessage) error {
	type part struct {
		ID   string `json:"id"`
		Type int    `json:"type_id"` // for classifiers
	}
	var v struct {
		Type   string `json:"type"`
		Single []struct {
			SpecialToken *part `json:"SpecialToken"`
			Sequence     *part `json:"Sequence"`
		} `json:"single"`
		Pair          json.RawMessage `json:"pair"`
		SpecialTokens map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := strict(jsonFile, where, raw, &v); err != nil {
		return err
	}
	sequences := 0
	for _, p := range v.Single {
		switch {
		case p.Sequence != nil && p.SpecialToken == nil && p.Sequence.ID == "A":
			sequences++
		case p.SpecialToken != nil && p.Sequence == nil:
			special, ok := v.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return malformed(jsonFile, where, "special_tokens lacks %q", p.SpecialToken.ID)
			}
			for _, id := range special.IDs {
				if id < 0 || int(id) >= len(d.tokens) || d.tokens[id] == "" {
					return malformed(jsonFile, where, "id %d of %q is not in the vocabulary", id, p.SpecialToken.ID)
				}
			}
			if sequences == 0 {
				d.prefix = append(d.prefix, special.IDs...)
			} else {
				d.suffix = append(d.suffix, special.IDs...)
			}
		default:
			return malformed(jsonFile, where, "single has a part that is neither a SpecialToken nor the Sequence A")
		}
	}
	if sequences != 1 {
		return malformed(jsonFile, where, "single has the text %d times instead of once", sequences)
	}
	return nil
}
