"""A case in this package: its network, its targets and the options of `fit`."""

import chainrule as cr


def network(case, **options):
    kinds = {"hidden": case.hidden, "output": case.output, "cost": case.cost, "seed": 0}
    return cr.Network(case.sizes, **(kinds | options))


def targets(case, Y, labels):
    return labels if case.output == "softmax" else Y


def fit_options(case):
    optimizer = (cr.SGD if case.optimizer == "sgd" else cr.Adam)(case.learning_rate)
    return {"optimizer": optimizer, "batch_size": case.batch, "shuffle": not case.full_batch}
