// SPDX-License-Identifier: Apache-2.0
// Writes a random Llama of about 1.2 B parameters (bfloat16, sharded) to measure memory with: sizes and spread of the
// weights are those of a real model, its words mean nothing. make_llama FOLDER [LAYERS]
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_folder_writer.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace paretoscope;
using core::TensorDeclaration;

namespace {

constexpr std::int64_t kHidden = 2048;
constexpr std::int64_t kIntermediate = 5632;
constexpr std::int64_t kHeads = 32;
constexpr std::int64_t kKvHeads = 8;
constexpr std::int64_t kVocabulary = 32000;
constexpr std::int64_t kShardBytes = 500'000'000;

std::vector<TensorDeclaration> declare(int layers)
{
    const auto tensor = [](std::string name, std::vector<std::int64_t> shape) {
        return TensorDeclaration {std::move(name), core::ElementType::BF16, std::move(shape)};
    };
    const std::int64_t kv = kHidden / kHeads * kKvHeads;
    std::vector<TensorDeclaration> tensors {tensor("model.embed_tokens.weight", {kVocabulary, kHidden})};
    for (int layer = 0; layer < layers; ++layer) {
        const std::string block = "model.layers." + std::to_string(layer) + '.';
        tensors.push_back(tensor(block + "input_layernorm.weight", {kHidden}));
        tensors.push_back(tensor(block + "self_attn.q_proj.weight", {kHidden, kHidden}));
        tensors.push_back(tensor(block + "self_attn.k_proj.weight", {kv, kHidden}));
        tensors.push_back(tensor(block + "self_attn.v_proj.weight", {kv, kHidden}));
        tensors.push_back(tensor(block + "self_attn.o_proj.weight", {kHidden, kHidden}));
        tensors.push_back(tensor(block + "post_attention_layernorm.weight", {kHidden}));
        tensors.push_back(tensor(block + "mlp.gate_proj.weight", {kIntermediate, kHidden}));
        tensors.push_back(tensor(block + "mlp.up_proj.weight", {kIntermediate, kHidden}));
        tensors.push_back(tensor(block + "mlp.down_proj.weight", {kHidden, kIntermediate}));
    }
    tensors.push_back(tensor("model.norm.weight", {kHidden}));
    tensors.push_back(tensor("lm_head.weight", {kVocabulary, kHidden}));
    return tensors;
}

std::string config(int layers)
{
    return R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": )" +
           std::to_string(kHidden) + R"(, "intermediate_size": )" + std::to_string(kIntermediate) +
           R"(, "num_hidden_layers": )" + std::to_string(layers) + R"(, "num_attention_heads": )" +
           std::to_string(kHeads) + R"(, "num_key_value_heads": )" + std::to_string(kKvHeads) + R"(, "vocab_size": )" +
           std::to_string(kVocabulary) +
           R"(, "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,)"
           R"( "tie_word_embeddings": false, "torch_dtype": "bfloat16"})";
}

/// Uniform with the standard deviation that keeps activations at their size; xorshift64*, the same everywhere.
class Weights
{
public:
    void fill(std::vector<float>& values, double deviation)
    {
        const auto width = static_cast<float>(deviation * std::sqrt(12.0) / double(1 << 24));
        for (float& value : values) {
            m_state ^= m_state >> 12;
            m_state ^= m_state << 25;
            m_state ^= m_state >> 27;
            const auto bits = static_cast<std::int32_t>((m_state * 2685821657736338717ULL) >> 40);
            value = width * static_cast<float>(bits - (1 << 23));
        }
    }

private:
    std::uint64_t m_state = 88172645463325252ULL;
};

core::Status write(const std::filesystem::path& folder, int layers)
{
    const std::vector<TensorDeclaration> tensors = declare(layers);
    PSC_ASSIGN(
        core::SafetensorsFolderWriter writer,
        core::SafetensorsFolderWriter::create(folder, tensors, {.metadata = {}, .overwrite = true}, kShardBytes));
    Weights weights;
    for (const TensorDeclaration& tensor : tensors) {
        const bool isNorm = tensor.shape.size() == 1;
        const std::int64_t rows = isNorm ? 1 : tensor.shape.front();
        std::vector<float> row(static_cast<std::size_t>(tensor.shape.back()), 1.0F);
        for (std::int64_t i = 0; i < rows; ++i) {
            if (!isNorm)
                weights.fill(row, 1 / std::sqrt(double(tensor.shape.back())));
            PSC_TRY(writer.appendFloat32(tensor.name, row));
        }
    }
    PSC_TRY(writer.finish());
    return core::writeFileAtomically(folder / "config.json", config(layers));
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: make_llama FOLDER [LAYERS]\n");
        return 2;
    }
    std::filesystem::create_directories(argv[1]);
    const core::Status done = write(argv[1], argc > 2 ? std::atoi(argv[2]) : 24);
    if (!done.ok())
        std::fprintf(stderr, "%s\n", done.error().sentence().c_str());
    return done.ok() ? 0 : 1;
}
