package tokenizer

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// configIgnored are the keys of a tokenizer_config.json that do not change the
// ids of a text or the text of ids as this package defines them.
// clean_up_tokenization_spaces is here because the clean-up, which takes
// spaces out of decoded text, belongs to transformers and not to the
// vocabulary, and damages code.
var configIgnored = set(`
	backend chat_template clean_up_tokenization_spaces cls_token device_map
	errors from_slow is_local language legacy mask_token max_len max_length
	max_model_input_sizes merges_file model_input_names
	model_max_length model_specific_special_tokens name_or_path
	pad_to_multiple_of pad_token pad_token_id pad_token_type_id padding
	padding_side processor_class response_schema return_token_type_ids
	sep_token sp_model_kwargs spaces_between_special_tokens
	special_tokens_map_file stride tokenizer_file tokenizer_class
	transformers_version truncation truncation_side truncation_strategy
	trust_remote_code unk_token use_default_system_prompt use_fast vocab_file vocab_size`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// The classes of transformers that build the template around a text anew from
// add_bos_token and add_eos_token; all others leave it to tokenizer.json.
var classesWithOwnTemplate = set(`
	LlamaTokenizer LlamaTokenizerFast CodeLlamaTokenizer CodeLlamaTokenizerFast`)

// readConfig reads a tokenizer_config.json.
func (d *definition) readConfig(raw []byte) error {
	var c map[string]json.RawMessage
	if err := strict(configFile, "", raw, &c); err != nil {
		return err
	}
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var class string
	var bos, eos *string
	var more []json.RawMessage // further special tokens
	var addBOS, addEOS *bool
	for _, key := range keys {
		v := c[key]
		var err error
		switch key {
		case "tokenizer_class":
			err = strict(configFile, key, v, &class)
		case "bos_token":
			bos, err = configToken(key, v)
		case "eos_token":
			eos, err = configToken(key, v)
		case "add_bos_token":
			err = strict(configFile, key, v, &addBOS)
		case "add_eos_token":
			err = strict(configFile, key, v, &addEOS)
		case "add_prefix_space":
			err = d.checkPrefixSpace(v)
		case "added_tokens_decoder":
			err = d.readTokensDecoder(v)
		case "additional_special_tokens":
			err = strict(configFile, key, v, &more)
		case "extra_special_tokens":
			err = checkExtra(key, v)
		case "split_special_tokens", "do_lower_case", "remove_space", "keep_accents":
			var on bool
			if err = strict(configFile, key, v, &on); err == nil && on && key != "keep_accents" {
				err = unsupported(configFile, key, key+" true", "false is")
			}
		case "auto_map":
			if !isNull(v) {
				err = unsupported(configFile, key, "a tokenizer with its own Python code (auto_map)", "remove the key if tokenizer.json alone gives the right ids")
			}
		default:
			// Names of further special tokens, such as image_token.
			name := strings.HasSuffix(key, "_token") && !strings.HasPrefix(key, "add_") && len(v) > 0 && (v[0] == '"' || v[0] == '{' || v[0] == 'n')
			if !configIgnored[key] && !name {
				err = unsupported(configFile, "", "key "+clip(key), "it could change the ids; remove it if you know that it does not")
			}
		}
		if err != nil {
			return err
		}
	}
	bosID, err := d.find("bos_token", bos)
	if err != nil {
		return err
	}
	eosID, err := d.find("eos_token", eos)
	if err != nil {
		return err
	}
	for _, raw := range more {
		name, err := configToken("additional_special_tokens", raw)
		if err == nil {
			_, err = d.find("additional_special_tokens", name)
		}
		if err != nil {
			return err
		}
	}
	if bosID >= 0 {
		d.bos = bosID
	}
	if eosID >= 0 {
		d.eos = append(d.eos, eosID)
	}
	if !classesWithOwnTemplate[class] {
		return nil
	}
	d.prefix, d.suffix = nil, nil
	if addBOS == nil || *addBOS {
		if bosID < 0 && addBOS != nil {
			return malformed(configFile, "add_bos_token", "true, but there is no bos_token")
		}
		if bosID >= 0 {
			d.prefix = []int32{bosID}
		}
	}
	if addEOS != nil && *addEOS {
		if eosID < 0 {
			return malformed(configFile, "add_eos_token", "true, but there is no eos_token")
		}
		d.suffix = []int32{eosID}
	}
	return nil
}

// checkExtra accepts names for tokens, {"image": "<image>"}, which are tokens of
// tokenizer.json; a list would add tokens to it.
func checkExtra(key string, raw json.RawMessage) error {
	var names map[string]json.RawMessage
	if isNull(raw) || string(raw) == "[]" || strict(configFile, key, raw, &names) == nil {
		return nil
	}
	return unsupported(configFile, key, "a list of extra special tokens", "add them to tokenizer.json")
}

// configToken reads a token's name: a string, an object with the content, or
// null.
func configToken(key string, raw json.RawMessage) (*string, error) {
	if isNull(raw) {
		return nil, nil
	}
	if raw[0] == '{' {
		t, err := readAddedToken(configFile, key, raw)
		return &t.content, err
	}
	var s string
	err := strict(configFile, key, raw, &s)
	return &s, err
}

// find returns the id of a token named in the configuration, -1 for nil.
func (d *definition) find(key string, name *string) (int32, error) {
	if name == nil {
		return -1, nil
	}
	for _, a := range d.added {
		if a.content == *name {
			return a.id, nil
		}
	}
	if id, ok := d.symbols[*name]; ok {
		return id, nil
	}
	return 0, malformed(configFile, key, "%s is not in the vocabulary", clip(*name))
}

// checkPrefixSpace refuses a prefix space that tokenizer.json does not put:
// transformers would then change what tokenizer.json says.
func (d *definition) checkPrefixSpace(raw json.RawMessage) error {
	var want *bool
	if err := strict(configFile, "add_prefix_space", raw, &want); err != nil {
		return err
	}
	has := d.stripSpace || d.metaspace.prefix != prefixNever
	if want != nil && *want != has {
		return unsupported(configFile, "add_prefix_space", fmt.Sprintf("%v where tokenizer.json has %v", *want, has), "make the two agree")
	}
	return nil
}

// readTokensDecoder reads added_tokens_decoder, {"id": token}: it adds to or
// changes the added tokens of tokenizer.json.
func (d *definition) readTokensDecoder(raw json.RawMessage) error {
	var tokens map[string]json.RawMessage
	if err := strict(configFile, "added_tokens_decoder", raw, &tokens); err != nil {
		return err
	}
	ids := make([]int, 0, len(tokens))
	for key := range tokens {
		id, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(id) != key {
			return malformed(configFile, "added_tokens_decoder", "%s is not an id", clip(key))
		}
		ids = append(ids, id)
	}
	sort.Ints(ids)
	file := d.file
	d.file = configFile
	defer func() { d.file = file }()
	for _, id := range ids {
		where := fmt.Sprintf("added_tokens_decoder.%d", id)
		t, err := readAddedToken(configFile, where, tokens[strconv.Itoa(id)])
		if err != nil {
			return err
		}
		if id > maxTokens {
			return malformed(configFile, where, "id out of range")
		}
		t.id = int32(id)
		if err := d.addTokenJSON(where, t, max(len(d.tokens)+len(raw), 1<<18)); err != nil {
			return err
		}
	}
	return nil
}
