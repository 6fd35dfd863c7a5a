// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a model folder whose config.json states a quantisation (compressed-tensors, GPTQ, AWQ, fp8,
// mxfp4) and whose weights are packed. Input: config.json, a zero byte, model.safetensors. Whatever opens is read in
// full.
#include "core/checkpoint/hugging_face_checkpoint.h"
#include "core/checkpoint/quantized_checkpoint.h"

#include "tests/fuzz/scratch_folder.h"

#include <algorithm>
#include <vector>

using namespace paretoscope;

namespace {

void require(const core::Error& error)
{
    if (error.message.empty() || error.hint.empty())
        std::abort(); // every refusal says what and what to do
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const fuzz::ScratchFolder folder;
    constexpr std::int64_t kLargest = 1 << 20;
    const std::span bytes(data, size);
    const auto end = std::find(bytes.begin(), bytes.end(), 0);
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    folder.write("config.json", bytes.first(length));
    folder.write("model.safetensors", bytes.subspan(std::min(size, length + 1)));
    auto opened = core::openHuggingFaceFolder(folder.path());
    if (!opened.ok())
        return require(opened.error()), 0;
    const auto checkpoint = core::withDequantizedWeights(std::move(opened).value());
    if (!checkpoint.ok())
        return require(checkpoint.error()), 0;
    for (const core::TensorInfo& tensor : checkpoint.value()->tensors()) {
        if (tensor.elements() > kLargest)
            continue;
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        (void)checkpoint.value()->readFloat32(tensor.name, values).ok();
    }
    return 0;
}
