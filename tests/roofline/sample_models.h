// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/mapped_file.h"
#include "roofline/hardware/hardware_table.h"
#include "roofline/model/model_shape.h"

#include <cstdlib>
#include <random>
#include <string>

/// Models and devices of the tests. A failure to make one is a failure of the test program.
namespace paretoscope::roofline::test {

template <typename T>
T orDie(core::Result<T> result)
{
    if (!result.ok()) {
        std::fprintf(stderr, "%s\n", result.error().sentence().c_str());
        std::abort();
    }
    return std::move(result).value();
}

/// {name: {parameters, config}}
inline core::Json sampleModels()
{
    return core::Json::parse(orDie(core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/models.json")));
}

inline ModelShape sampleModel(const char* name)
{
    const core::Json models = sampleModels();
    return orDie(readModelShape(models.at(name).at("config"), PARETOSCOPE_RESOURCES "/architectures"));
}

inline HardwareSpec sampleDevice(const char* name = "NVIDIA A100 SXM 80GB")
{
    const HardwareTable table = orDie(HardwareTable::read(PARETOSCOPE_RESOURCES "/hardware.csv"));
    return *orDie(table.find(name));
}

/// Llama-like models of random dimensions; equal seeds, equal models.
class RandomModels
{
public:
    explicit RandomModels(unsigned seed)
        : m_random(seed)
    {}

    int number(int least, int most) { return least + static_cast<int>(m_random() % unsigned(most - least + 1)); }

    /// @param grouped with fewer heads for keys and values
    ModelShape next(bool grouped = true)
    {
        const int kvHeads = number(1, 8);
        const int group = grouped ? number(1, 8) : 1;
        const core::Json config {{"model_type", "llama"},
                                 {"hidden_size", 64 * number(1, 64)},
                                 {"intermediate_size", 64 * number(1, 128)},
                                 {"num_attention_heads", kvHeads * group},
                                 {"num_key_value_heads", kvHeads},
                                 {"head_dim", 8 * number(1, 16)},
                                 {"num_hidden_layers", number(1, 80)},
                                 {"vocab_size", number(100, 100000)}};
        return orDie(readModelShape(config, PARETOSCOPE_RESOURCES "/architectures"));
    }

private:
    std::mt19937 m_random;
};

} // namespace paretoscope::roofline::test
