// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/engine_kernels.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::roofline {

namespace {

/// Query and key: four products of half a head, a difference, a sum, and both joined. The products read and write
/// twice what is rotated, difference and sum read it twice and write it once, joining reads and writes it: nine in all.
constexpr EngineKernels kRotation {.calls = 2 * 7, .passes = 9.0 / 2};

/// libtorch has no kernel of its own for RMSNorm on a CPU: square (read and written), mean (a sum and a quotient,
/// read), offset, root, product with it (read and written) and with the gain (read and written).
constexpr EngineKernels kRootMeanSquare {.calls = 7, .passes = 7.0 / 2};

/// The activation is written, and read for the product with `up`: five tensors where one kernel moves three.
constexpr EngineKernels kGatedActivation {.calls = 2, .passes = 5.0 / 3};

EngineKernels normKernels(const EngineSetting& setting, const ModelShape& model)
{
    const bool isRms = model.finalNorm && model.finalNorm->kind == core::NormKind::Rms;
    return isRms && setting.isCpu ? kRootMeanSquare : EngineKernels();
}

/// Rows of a block of libtorch's flash attention on a CPU.
double blockRows(double queries)
{
    return queries >= 768 ? 256 : (queries >= 192 ? 64 : 32);
}

/// Every head goes through its queries block by block. In decode the query heads of a key head are rows of one block.
EngineKernels attentionKernels(const EngineSetting& setting, const LayerShape* layer)
{
    EngineKernels kernels;
    if (!setting.isCpu || !layer)
        return kernels;
    for (const SublayerShape& sublayer : layer->sublayers) {
        if (const auto* attention = std::get_if<AttentionShape>(&sublayer.part))
            kernels.calls += setting.isPrefill
                                 ? attention->heads * std::ceil(setting.tokens / blockRows(setting.tokens))
                                 : attention->kvHeads;
    }
    return kernels;
}

} // namespace

EngineKernels engineKernels(const Operation& operation, const EngineSetting& setting, const ModelShape& model,
                            const LayerShape* layer)
{
    switch (kindOf(operation)) {
    case KernelKind::Norm:
        return normKernels(setting, model);
    case KernelKind::Rotation:
        return kRotation;
    case KernelKind::CacheWrite:
        return {.calls = setting.isPrefill ? 4.0 : 2.0}; // keys and values; a new sequence also makes room for them
    case KernelKind::Attention:
        return operation.name == "attention" ? attentionKernels(setting, layer) : EngineKernels();
    case KernelKind::Elementwise: {
        const bool isGated = operation.activationInBytes > operation.activationOutBytes;
        return operation.name.ends_with("_act") && isGated ? kGatedActivation : EngineKernels();
    }
    case KernelKind::Product:
    case KernelKind::Gather:
        break;
    }
    return {};
}

} // namespace paretoscope::roofline
