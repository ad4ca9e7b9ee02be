"""Does an IAM policy allow this? As much of the grammar as the policies use that Packferry prints; what is not understood
is an error, so that no condition is ever taken for fulfilled because nobody looked at it."""

import re


def allows(policies, action, resource, context):
    """Whether identity policies (a list of documents; None: an administrator) allow it: one says so, and none denies."""
    if policies is None:
        return True
    return _decide(policies, lambda statement: _covers(statement, action, resource, context))


def trusts(policy, principals, action, context):
    """Whether a role's trust policy lets one of these principals, as (kind, name), take the role."""

    def covers(statement):
        return (
            _one_of(statement["Action"], action)
            and any(_is_principal(statement["Principal"], kind, name) for kind, name in principals)
            and _conditions_hold(statement.get("Condition", {}), context)
        )

    return _decide([policy], covers)


def _decide(policies, covers):
    effects = {
        statement["Effect"] for policy in policies for statement in _list(policy["Statement"]) if covers(statement)
    }
    return effects == {"Allow"}


def _covers(statement, action, resource, context):
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise ValueError(f"policy statement with {unknown}")
    return (
        _one_of(statement["Action"], action)
        and any(_glob(pattern, resource) for pattern in _list(statement["Resource"]))
        and _conditions_hold(statement.get("Condition", {}), context)
    )


def _is_principal(listed, kind, name):
    if listed == "*":
        return True
    return kind in listed and any(entry in ("*", name) for entry in _list(listed[kind]))


def _one_of(patterns, action):
    return any(_glob(pattern.lower(), action.lower()) for pattern in _list(patterns))


def _conditions_hold(conditions, context):
    return all(
        _holds(operator, context.get(key), _list(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator, value, wanted):
    if operator == "Null":
        return [str(value is None).lower()] == [str(each).lower() for each in wanted]
    operator, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    if value is None:
        # A key that is not there equals nothing, and so it is "not equal" to everything.
        return if_exists or "Not" in operator
    matches = {
        "StringEquals": lambda: value in wanted,
        "StringNotEquals": lambda: value not in wanted,
        "StringLike": lambda: any(_glob(each, value) for each in wanted),
        "StringNotLike": lambda: not any(_glob(each, value) for each in wanted),
        "ArnEquals": lambda: any(_glob(each, value) for each in wanted),
        "ArnLike": lambda: any(_glob(each, value) for each in wanted),
        "Bool": lambda: str(value).lower() in [str(each).lower() for each in wanted],
    }
    if operator not in matches:
        raise ValueError(f"policy condition {operator}")
    return matches[operator]()


def _glob(pattern, text):
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _list(value):
    return value if isinstance(value, list) else [value]
