// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/base/json.h"
#include "core/base/quantity.h"
#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::core {

/// How one tensor of a model is stored, as far as it decides what multiplying by it costs.
struct StoredTensor
{
    Bits bits;            ///< of all its parts; what it shares with an earlier tensor counts there
    double codeBits = 16; ///< of one code or value
    bool isInteger = false;
    double inputBits = 16;  ///< of the integer codes that it is multiplied with; 16: what it reads is not rounded
    int kept = 0;           ///< N where every M neighbours of a row keep N; 0: no such pattern
    int of = 0;             ///< M
    double density = 1;     ///< share of the entries that may differ from zero
    std::int64_t rank = 0;  ///< of a product of two thin factors; 0: there is none
    bool isProduct = false; ///< the product is all there is; else it is added to the codes

    bool operator==(const StoredTensor&) const = default;
};

/// How all tensors of a model are stored: what a prediction of its speed starts from. Equal forms stand once, so that
/// the record of a uniformly quantised model takes a few hundred bytes.
class StoredModel
{
public:
    /// The next tensor in the order of graphTensorNames().
    void add(const StoredTensor& tensor);

    std::size_t size() const { return m_tensors.size(); }
    const StoredTensor& at(std::size_t tensor) const { return m_forms[m_tensors[tensor]]; }
    /// Tensors of equal index are stored alike.
    std::uint32_t formOf(std::size_t tensor) const { return m_tensors[tensor]; }
    Bytes bytes() const; ///< of all together

    /// A part of the method works in every forward pass and no tensor tells of it (a key/value cache, …).
    bool worksAtRunTime = false;

    bool operator==(const StoredModel&) const = default;

private:
    friend Json toJson(const StoredModel& model);
    friend Result<StoredModel> storedModelFromJson(const Json& json);

    std::vector<StoredTensor> m_forms;
    std::vector<std::uint32_t> m_tensors; ///< index into m_forms
};

/// {"forms": {"bits": […], "code_bits": […], …}, "tensors": "AAB…", "at_run_time"?}: one array per property of the
/// forms, but of those that are in all forms as in a StoredTensor by default; in `tensors` as many characters per
/// tensor as the number of forms needs digits of base 62 (A–Z a–z 0–9), the most significant first.
Json toJson(const StoredModel& model);
/// Errors: Corrupt, naming the field.
Result<StoredModel> storedModelFromJson(const Json& json);

/// The names under which the graph of a model reads its tensors; stacked ones are matrices of their own.
std::vector<std::string> graphTensorNames(const Architecture& architecture);

/// What a stage records of a unit whose input it rounds to integer codes in every forward pass.
inline constexpr const char* kActivationBits = "activation_bits";
/// Where the record of a trial stands: in the details of its metric "stored_bytes".
inline constexpr const char* kStoredModelKey = "tensors";
/// Where the configuration of the uncompressed model stands: in the description of its workload.
inline constexpr const char* kModelConfigKey = "model_config";

} // namespace paretoscope::core
