#include "Model.h"

#include "WeightsFile.h"

bool Model::soundsLike (const Model& other) const
{
    if (script != other.script)
        return false;
    return weights == other.weights || valuesOf (*weights) == valuesOf (*other.weights);
}
