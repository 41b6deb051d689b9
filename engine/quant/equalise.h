// Cross-layer equalisation (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019,
// section 4.1; here for activations, since weights have a scale a channel). One scale serves all channels of an
// activation, so a channel that stays far below the largest has few steps left. What the layer that writes it divides
// the channel by, the layers that read it multiply their weights with: the network computes the same, and every channel
// uses more of the range.
#ifndef MF_QUANT_EQUALISE_H
#define MF_QUANT_EQUALISE_H

#include "quant/calibration.h"
#include "quant/channels.h"

// The factors for every activation that may have some: written by convolutions and inner products without a post-op but
// ReLU, leaky ReLU and, at the end, a clip from zero; read by convolutions, inner products, pooling and as summands,
// which share the factors of what they are added to. A clip stays where it is, so a channel is only made larger, up to
// the largest one: what the clip cuts off then was never seen. Replaces the equalisations of `out`.
mf_status mf_equalise_choose(mf_calibration *out, const mf_graph *graph, const mf_channels *seen, mf_error *e);

// Into the weights and biases of the graph, as arrays of the arena, and the factors into its tensors; once. MF_ERR_FILE
// when the graph has no such tensor, or none that could be equalised so.
mf_status mf_calibration_equalise(const mf_calibration *calibration, mf_graph *graph, mf_arena *arena, mf_error *e);

#endif
