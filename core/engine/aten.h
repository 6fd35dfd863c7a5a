// SPDX-License-Identifier: Apache-2.0
#pragma once

// The precompiled header of everything that computes. Never include <torch/torch.h> outside training code.
#include <ATen/ATen.h>
