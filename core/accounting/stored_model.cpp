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
constexpr std::string_view kCounted = "bits"; ///< the property that every record has: it tells how many forms there are

/// Digits that tell so many forms apart.
std::size_t widthFor(std::size_t forms)
{
    std::size_t width = 1;
    for (std::size_t reach = kBase; reach < forms; reach *= kBase)
        ++width;
    return width;
}

/// Tells `visit` every property of a form with its name in the record.
template <typename Visit>
void forEachProperty(const Visit& visit)
{
    visit(kCounted, &StoredTensor::bits);
    visit("code_bits", &StoredTensor::codeBits);
    visit("integer", &StoredTensor::isInteger);
    visit("input_bits", &StoredTensor::inputBits);
    visit("kept", &StoredTensor::kept);
    visit("of", &StoredTensor::of);
    visit("density", &StoredTensor::density);
    visit("rank", &StoredTensor::rank);
    visit("product", &StoredTensor::isProduct);
}

template <typename Number>
Number jsonValue(Number value)
{
    return value;
}

std::int64_t jsonValue(Bits bits)
{
    return bits.value;
}

/// One array for each property, since a project is read for thousands of trials; without the properties that are as
/// usual in all forms.
Json formsJson(const std::vector<StoredTensor>& forms)
{
    Json json = Json::object();
    forEachProperty([&](std::string_view name, const auto property) {
        const StoredTensor usual;
        const bool isUsual = std::all_of(forms.begin(), forms.end(),
                                         [&](const StoredTensor& form) { return form.*property == usual.*property; });
        if (isUsual && name != kCounted)
            return;
        Json& values = json[std::string(name)] = Json::array();
        for (const StoredTensor& form : forms)
            values.push_back(jsonValue(form.*property));
    });
    return json;
}

template <typename T>
bool readValue(const Json& json, T& value)
{
    const std::optional<T> read = jsonAs<T>(json);
    value = read.value_or(value);
    return read.has_value();
}

bool readValue(const Json& json, Bits& bits)
{
    return readValue(json, bits.value);
}

Status checkForm(const JsonFields& fields, const StoredTensor& form)
{
    if (form.bits.value < 0)
        return fields.error("bits", std::to_string(form.bits.value) + " is below 0");
    if (!(form.codeBits > 0 && form.codeBits <= 64))
        return fields.error("code_bits", shownValue(form.codeBits) + " is none");
    if (!(form.inputBits > 0 && form.inputBits <= 16))
        return fields.error("input_bits", shownValue(form.inputBits) + " is none");
    const bool hasPattern = form.kept != 0 || form.of != 0;
    if (hasPattern && (form.kept < 1 || form.of < form.kept || form.of > 1024))
        return fields.error("kept", std::to_string(form.kept) + " of " + std::to_string(form.of) + " is no N of M");
    if (!(form.density >= 0 && form.density <= 1))
        return fields.error("density", shownValue(form.density) + " is no share");
    if (form.rank < 0 || (form.isProduct && form.rank == 0))
        return fields.error("rank", std::to_string(form.rank) + " is none");
    return success();
}

Result<std::vector<StoredTensor>> formsFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "stored forms"));
    const Json* counted = fields.find(kCounted);
    if (!counted || !counted->is_array())
        return fields.error(kCounted, "is no array");
    std::vector<StoredTensor> forms(counted->size());
    Status read = success();
    forEachProperty([&](std::string_view name, const auto property) {
        const Json* values = fields.find(name);
        if (!values || !read.ok())
            return;
        if (!values->is_array() || values->size() != forms.size())
            read = fields.error(name, "is no array of " + std::to_string(forms.size()) + " values");
        for (std::size_t i = 0; read.ok() && i < forms.size(); ++i) {
            if (!readValue((*values)[i], forms[i].*property))
                read = fields.error(name, shownValue((*values)[i]) + " is none");
        }
    });
    PSC_TRY(read);
    for (const StoredTensor& form : forms)
        PSC_TRY(checkForm(fields, form));
    return forms;
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
    const std::size_t width = widthFor(model.m_forms.size());
    std::string digits(model.size() * width, kDigits.front());
    for (std::size_t i = 0; i < model.size(); ++i) {
        std::size_t form = model.m_tensors[i];
        for (std::size_t place = width; place-- > 0; form /= kBase)
            digits[i * width + place] = kDigits[form % kBase];
    }
    Json json {{"forms", formsJson(model.m_forms)}, {"tensors", std::move(digits)}};
    if (model.worksAtRunTime)
        json["at_run_time"] = true;
    return json;
}

Result<StoredModel> storedModelFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "stored tensors"));
    StoredModel model;
    const Json* forms = fields.find("forms");
    if (!forms)
        return fields.error("forms", "is missing");
    PSC_ASSIGN(model.m_forms, formsFromJson(*forms));
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
