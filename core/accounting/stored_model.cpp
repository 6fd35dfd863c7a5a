// SPDX-License-Identifier: Apache-2.0
#include "core/accounting/stored_model.h"

#include "core/base/json_fields.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace paretoscope::core {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kBase = kDigits.size();
constexpr std::size_t kMostTensors = std::size_t(1) << 22;

/// Digits that tell so many forms apart.
std::size_t widthFor(std::size_t forms)
{
    std::size_t width = 1;
    for (std::size_t reach = kBase; reach < forms; reach *= kBase)
        ++width;
    return width;
}

Json toJson(const StoredTensor& form)
{
    Json json {{"bits", form.bits.value}, {"code_bits", form.codeBits}};
    if (form.isInteger)
        json["integer"] = true;
    if (form.inputBits < 16)
        json["input_bits"] = form.inputBits;
    if (form.kept > 0)
        json["kept"] = Json::array({form.kept, form.of});
    if (form.density < 1)
        json["density"] = form.density;
    if (form.rank > 0)
        json["rank"] = form.rank;
    if (form.isProduct)
        json["product"] = true;
    return json;
}

Status readPattern(JsonFields& fields, StoredTensor& form)
{
    const Json* pattern = fields.find("kept");
    if (!pattern)
        return success();
    const bool isPair = pattern->is_array() && pattern->size() == 2 && (*pattern)[0].is_number_integer() &&
                        (*pattern)[1].is_number_integer();
    const auto kept = isPair ? (*pattern)[0].get<std::int64_t>() : 0;
    const auto of = isPair ? (*pattern)[1].get<std::int64_t>() : 0;
    if (kept < 1 || of < kept || of > 1024)
        return fields.error("kept", shownValue(*pattern) + " is no N of M");
    form.kept = static_cast<int>(kept);
    form.of = static_cast<int>(of);
    return success();
}

Result<StoredTensor> storedTensorFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "stored form"));
    StoredTensor form;
    PSC_ASSIGN(form.bits.value, fields.required<std::int64_t>("bits"));
    PSC_ASSIGN(form.codeBits, fields.required<double>("code_bits"));
    PSC_ASSIGN(form.isInteger, fields.optional<bool>("integer", false));
    PSC_ASSIGN(form.inputBits, fields.optional<double>("input_bits", 16.0));
    PSC_TRY(readPattern(fields, form));
    PSC_ASSIGN(form.density, fields.optional<double>("density", 1.0));
    PSC_ASSIGN(form.rank, fields.optional<std::int64_t>("rank", 0));
    PSC_ASSIGN(form.isProduct, fields.optional<bool>("product", false));
    if (form.bits.value < 0)
        return fields.error("bits", "is below 0");
    if (!(form.codeBits > 0 && form.codeBits <= 64))
        return fields.error("code_bits", shownValue(form.codeBits) + " is none");
    if (!(form.inputBits > 0 && form.inputBits <= 16))
        return fields.error("input_bits", shownValue(form.inputBits) + " is none");
    if (!(form.density >= 0 && form.density <= 1))
        return fields.error("density", shownValue(form.density) + " is no share");
    if (form.rank < 0 || (form.isProduct && form.rank == 0))
        return fields.error("rank", shownValue(form.rank) + " is none");
    return form;
}

} // namespace

void StoredModel::add(const StoredTensor& tensor)
{
    const auto known = std::find(m_forms.begin(), m_forms.end(), tensor);
    m_tensors.push_back(static_cast<std::uint32_t>(known - m_forms.begin()));
    if (known == m_forms.end())
        m_forms.push_back(tensor);
}

Bytes StoredModel::bytes() const
{
    Bits all;
    for (const std::uint32_t form : m_tensors)
        all += m_forms[form].bits;
    return {(all.value + 7) / 8};
}

Json toJson(const StoredModel& model)
{
    Json forms = Json::array();
    for (const StoredTensor& form : model.m_forms)
        forms.push_back(toJson(form));
    const std::size_t width = widthFor(model.m_forms.size());
    std::string digits(model.size() * width, kDigits.front());
    for (std::size_t i = 0; i < model.size(); ++i) {
        std::size_t form = model.m_tensors[i];
        for (std::size_t place = width; place-- > 0; form /= kBase)
            digits[i * width + place] = kDigits[form % kBase];
    }
    Json json {{"forms", std::move(forms)}, {"tensors", std::move(digits)}};
    if (model.worksAtRunTime)
        json["at_run_time"] = true;
    return json;
}

Result<StoredModel> storedModelFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "stored tensors"));
    StoredModel model;
    const Json* forms = fields.find("forms");
    if (!forms || !forms->is_array())
        return fields.error("forms", "is no array");
    for (const Json& form : *forms) {
        PSC_ASSIGN(StoredTensor read, storedTensorFromJson(form));
        model.m_forms.push_back(read);
    }
    PSC_ASSIGN(const std::string digits, fields.required<std::string>("tensors"));
    PSC_ASSIGN(model.worksAtRunTime, fields.optional<bool>("at_run_time", false));
    const std::size_t width = widthFor(model.m_forms.size());
    if (digits.size() % width != 0 || digits.size() / width > kMostTensors)
        return fields.error("tensors", "has " + std::to_string(digits.size()) + " characters");
    model.m_tensors.reserve(digits.size() / width);
    for (std::size_t i = 0; i < digits.size(); i += width) {
        std::size_t form = 0;
        for (const char digit : std::string_view(digits).substr(i, width)) {
            const std::size_t value = kDigits.find(digit);
            form = value == std::string_view::npos ? model.m_forms.size() : form * kBase + value;
        }
        if (form >= model.m_forms.size())
            return fields.error("tensors", "names a form that is not there");
        model.m_tensors.push_back(static_cast<std::uint32_t>(form));
    }
    return model;
}

std::vector<std::string> graphTensorNames(const Architecture& architecture)
{
    std::vector<std::string> names;
    for (const ExpectedTensor& tensor : architecture.tensors())
        appendGraphNames(names, tensor);
    return names;
}

} // namespace paretoscope::core
