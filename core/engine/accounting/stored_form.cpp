// SPDX-License-Identifier: Apache-2.0
#include "core/engine/accounting/stored_form.h"

#include "core/engine/aten.h"
#include "core/engine/layout/low_rank_tensor.h"
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/quantization/coded_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/quantization/number_format.h"

namespace paretoscope::engine {

namespace {

/// A low-rank product in a description as LowRankTensor gives it. Its rank is told; where it is not (written by an
/// earlier version), nothing is known of the product.
void takeProduct(const core::Json& description, core::StoredTensor& form)
{
    form.rank = description.value("rank", std::int64_t(0));
}

void takeCodes(std::string_view layout, const core::Json& description, core::StoredTensor& form)
{
    if (layout == CodedTensor::kLayout) {
        const NumberFormat* format = NumberFormat::find(description.value("format", std::string()));
        form.codeBits = format ? format->bits : form.codeBits;
        form.isInteger = format && format->encoding == NumberFormat::Encoding::Unsigned;
        return;
    }
    // Codes of codebooks are as wide, but stand for 16-bit values.
    const bool isPlain = description.contains("bits") && !description.contains("codebooks");
    if (isPlain)
        form.codeBits = description.value("bits", form.codeBits);
    form.isInteger = isPlain && layout == GroupAffineTensor::kLayout;
}

void takePattern(const core::Json& description, core::StoredTensor& form)
{
    const auto mask = description.find("mask");
    if (mask == description.end() || mask->value("packing", std::string()) != "n_of_m")
        return;
    form.kept = mask->value("n", 0);
    form.of = mask->value("m", 0);
}

core::StoredTensor formOf(std::string_view layout, const core::Json& description)
{
    core::StoredTensor form;
    if (layout == LowRankTensor::kLayout) {
        takeProduct(description, form);
        form.isProduct = form.rank > 0;
    } else if (layout == SumTensor::kLayout) {
        const core::Json& base = description.at("base");
        const core::Json& addition = description.at("addition");
        form = formOf(base.at("layout").get<std::string>(), base.at("description"));
        if (addition.at("layout") == LowRankTensor::kLayout)
            takeProduct(addition.at("description"), form);
    } else {
        takeCodes(layout, description, form);
        takePattern(description, form);
    }
    return form;
}

/// That of the weight itself, or of what others are added to.
at::Tensor maskOf(const CompressedTensor& tensor)
{
    at::Tensor mask = tensor.mask();
    const std::vector<const CompressedTensor*> components = tensor.components();
    return mask.defined() || components.empty() ? mask : components.front()->mask();
}

} // namespace

core::StoredTensor storedFormOf(const CompressedTensor& tensor)
{
    core::StoredTensor form = formOf(tensor.layout(), tensor.description());
    if (const at::Tensor mask = maskOf(tensor); mask.defined())
        form.density = static_cast<double>(mask.sum().item<std::int64_t>()) / static_cast<double>(mask.numel());
    return form;
}

core::StoredTensor storedFormOf(const core::TensorInfo& stored, std::int64_t matrices)
{
    core::StoredTensor form;
    form.bits = {stored.stored.value * 8 / matrices};
    const auto elements = static_cast<double>(stored.elements());
    if (elements > 0)
        form.codeBits = static_cast<double>(stored.stored.value) * 8 / elements;
    return form;
}

} // namespace paretoscope::engine
