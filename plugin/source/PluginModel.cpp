#include "PluginModel.h"

#include <algorithm>

PluginModel PluginModel::builtIn (int choice)
{
    PluginModel result;
    if (choice != 0)
        result.model = novasr::built_in_model (novasr::model_family ("wide"));
    return result;
}

bool PluginModel::soundsLike (const PluginModel& other) const
{
    if (script != other.script)
        return false;
    return model == other.model ||
           (&model->family() == &other.model->family() && std::ranges::equal (model->values(), other.model->values()));
}
