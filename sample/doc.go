// Package sample picks the next token from a model's logits, and watches the
// generated text for stop strings.
//
// With Temperature 0 (the zero [Params]) the choice is the exact argmax, the
// lower id on ties. Else the logits pass, in this order, which is that of
// Hugging Face's generate,
//
//  1. the repetition penalty (Keskar et al., CTRL, 2019, section 4.1),
//  2. the temperature,
//  3. top-k (Fan et al., 2018): the k largest, and those equal to the k-th,
//  4. top-p (Holtzman et al., The Curious Case of Neural Text Degeneration,
//     2020): the fewest tokens whose probabilities reach p together,
//  5. min-p (Nguyen et al., Min-p Sampling, 2024): what has at least min-p times
//     the probability of the likeliest token,
//
// and a token is drawn from the softmax of what is left. The draws come from a
// PCG seeded with Params.Seed: the same seed and logits yield the same ids on
// every machine.
package sample
