// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/driver_form.h"

#include "views/format/text.h"
#include "views/theme/theme.h"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::Json;

constexpr int kFieldsInARow = 3;

QString nameOf(const Json& driver)
{
    return driver.is_object() && !driver.empty() ? toQString(driver.begin().key()) : QString();
}

QString titleOf(const core::DriverKind& kind)
{
    if (kind.name == "grid")
        return DriverForm::tr("All of them (grid)");
    if (kind.name == "random")
        return DriverForm::tr("By chance (random)");
    if (kind.name == "sobol")
        return DriverForm::tr("Evenly spread (Sobol)");
    if (kind.name == "nsga2")
        return DriverForm::tr("By evolution (NSGA-II)");
    if (kind.name == "successive_halving")
        return DriverForm::tr("By elimination (successive halving)");
    return toQString(kind.name);
}

QString tipOf(const QString& option)
{
    if (option == "trials"_L1)
        return DriverForm::tr("How many pipelines are chosen");
    if (option == "population"_L1)
        return DriverForm::tr("Trials of each generation");
    if (option == "generations"_L1)
        return DriverForm::tr("How often the best so far have offspring");
    if (option == "crossover_probability"_L1)
        return DriverForm::tr("How often two parents are mixed");
    if (option == "crossover_index"_L1)
        return DriverForm::tr("How near offspring stay to their parents when these are mixed; higher is nearer");
    if (option == "mutation_index"_L1)
        return DriverForm::tr("How small the steps of mutations are; higher is smaller");
    if (option == "factor"_L1)
        return DriverForm::tr("By how much candidates fall and evaluation windows rise from one rung to the next");
    if (option == "min_windows"_L1)
        return DriverForm::tr("Evaluation windows of the first rung");
    return option;
}

QString textOf(const Json& value)
{
    return value.is_string() ? toQString(value.get<std::string>()) : toQString(core::canonicalJson(value));
}

QString textOfList(const Json& list)
{
    QStringList texts;
    for (const Json& item : list.is_array() ? list : Json::array({list}))
        texts << textOf(item);
    return texts.join(", "_L1);
}

void setText(QLineEdit& edit, const QString& text)
{
    if (edit.text() != text)
        edit.setText(text);
}

QStringList wordsOf(const QString& text)
{
    QStringList words = commaParts(text);
    words.removeAll(QString());
    return words;
}

} // namespace

DriverForm::DriverForm(DraftEditor& editor, QWidget* parent)
    : QWidget(parent)
    , m_editor(editor)
    , m_driver(new QComboBox(this))
    , m_problem(new QLabel(this))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    auto* row = new QGridLayout;
    row->setHorizontalSpacing(8);
    auto* label = new QLabel(tr("&Trials"), this);
    label->setBuddy(m_driver);
    m_driver->setObjectName(u"driver"_s);
    m_driver->setAccessibleName(tr("Who chooses the trials"));
    m_driver->setToolTip(tr("A grid runs every combination; the others choose, and take ranges such as\n"
                            "{from: 0.001, to: 0.1, log: true} as values of parameters"));
    for (const core::DriverKind& kind : core::driverKinds())
        m_driver->addItem(titleOf(kind), toQString(kind.name));
    row->addWidget(label, 0, 0);
    row->addWidget(m_driver, 0, 1);
    m_objectives = addField(*row, 1, u"objectives"_s, tr("judged by"),
                            tr("The metrics of the front, which a search goes by, separated by commas"));
    m_seeds = addField(*row, 2, u"seeds"_s, tr("seed"),
                       tr("A number for everything that is drawn by chance; several, separated by commas, run every "
                          "pipeline with each"));
    row->setColumnStretch(3, 2);
    row->setColumnStretch(5, 1);
    layout->addLayout(row);
    m_problem->setObjectName(u"driverProblem"_s);
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    m_problem->hide();
    layout->addWidget(m_problem);

    connect(m_driver, &QComboBox::activated, this,
            [this](int index) { chooseDriver(m_driver->itemData(index).toString()); });
    connect(m_objectives, &QLineEdit::textEdited, this, [this](const QString& text) {
        m_editor.edit(tr("Change objectives"), u"objectives"_s,
                      [&](SweepDraft& draft) { draft.objectives = wordsOf(text); });
    });
    connect(m_seeds, &QLineEdit::textEdited, this, [this](const QString& text) {
        m_editor.edit(tr("Change seed"), u"seeds"_s, [&](SweepDraft& draft) { draft.seeds = text; });
    });
    connect(&m_editor, &DraftEditor::draftChanged, this, &DriverForm::refresh);
    refresh();
}

QLineEdit* DriverForm::addField(QGridLayout& grid, int place, const QString& id, const QString& label,
                                const QString& tip)
{
    auto* edit = new QLineEdit(this);
    edit->setObjectName(id);
    edit->setAccessibleName(label);
    edit->setToolTip(tip);
    auto* title = new QLabel(label, this);
    title->setBuddy(edit);
    title->setToolTip(tip);
    grid.addWidget(title, place / kFieldsInARow, 2 * (place % kFieldsInARow));
    grid.addWidget(edit, place / kFieldsInARow, 2 * (place % kFieldsInARow) + 1);
    return edit;
}

void DriverForm::chooseDriver(const QString& name)
{
    if (name == nameOf(m_editor.draft().driver))
        return;
    const auto kind = core::findDriverKind(name.toStdString());
    if (!kind.ok())
        return;
    m_editor.edit(tr("Choose trials otherwise"), {}, [&](SweepDraft& draft) {
        draft.driver = {{name.toStdString(), core::driverDefaults(*kind.value())}};
    });
}

void DriverForm::editOption(const QString& name, const QString& text)
{
    m_editor.edit(tr("Change %1").arg(name), u"driver:%1"_s.arg(name), [&](SweepDraft& draft) {
        Json& value = (*draft.driver.begin())[name.toStdString()];
        if (name == "constraints"_L1) {
            value = Json::array();
            for (const QString& constraint : wordsOf(text))
                value.push_back(constraint.toStdString());
            return;
        }
        const Json parsed = Json::parse(text.toStdString(), nullptr, false);
        value = parsed.is_number() ? parsed : Json(text.toStdString()); // which is said to be none
    });
}

/// The fields of another driver.
void DriverForm::createOptions(const core::DriverKind& kind)
{
    if (m_options) {
        m_options->hide();
        m_options->deleteLater();
    }
    m_optionEdits.clear();
    m_options = new QWidget(this);
    auto* grid = new QGridLayout(m_options);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(3);
    QList<std::pair<QString, QString>> fields; // name, tip
    for (const core::DriverOption& option : kind.options) {
        const QString name = toQString(option.name);
        fields << std::pair(name, tr("%1: from %2 to %3")
                                      .arg(tipOf(name), QString::number(option.minimum, 'g', 7),
                                           QString::number(option.maximum, 'g', 7)));
    }
    if (kind.takesConstraints)
        fields << std::pair(u"constraints"_s,
                            tr("What trials must keep, separated by commas: bits_per_parameter <= 4.5"));
    for (const auto& [name, tip] : fields) {
        QLineEdit* edit = addField(*grid, int(m_optionEdits.size()), u"driver:%1"_s.arg(name), name, tip);
        connect(edit, &QLineEdit::textEdited, this,
                [this, name = name](const QString& text) { editOption(name, text); });
        m_optionEdits[name] = edit;
    }
    m_options->setVisible(!fields.isEmpty());
    static_cast<QVBoxLayout*>(layout())->insertWidget(1, m_options);
}

void DriverForm::setProblem(const std::optional<DraftProblem>& problem)
{
    const bool ours = problem && problem->place == DraftProblem::Place::Driver;
    m_problem->setVisible(ours);
    if (!ours)
        return;
    QPalette colours = palette();
    colours.setColor(QPalette::WindowText, themeColours(palette()).error);
    m_problem->setPalette(colours);
    m_problem->setText(toQString(problem->error.sentence()));
}

void DriverForm::refresh()
{
    const SweepDraft& draft = m_editor.draft();
    const QString name = nameOf(draft.driver);
    if (const auto kind = core::findDriverKind(name.toStdString()); kind.ok() && name != m_shownDriver) {
        m_shownDriver = name;
        createOptions(*kind.value());
        const QSignalBlocker blocker(m_driver);
        m_driver->setCurrentIndex(m_driver->findData(name));
    }
    const Json options = draft.driver.begin().value();
    for (auto it = m_optionEdits.begin(); it != m_optionEdits.end(); ++it) {
        const Json value = options.value(it.key().toStdString(), Json(std::string()));
        if (it.key() != "constraints"_L1)
            setText(*it.value(), textOf(value));
        else if (wordsOf(it.value()->text()) != wordsOf(textOfList(value))) // else a comma vanishes while one types
            it.value()->setText(textOfList(value));
    }
    if (wordsOf(m_objectives->text()) != draft.objectives)
        m_objectives->setText(draft.objectives.join(", "_L1));
    setText(*m_seeds, draft.seeds);
}

} // namespace paretoscope::views
