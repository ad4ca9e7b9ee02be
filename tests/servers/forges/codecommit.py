"""CodeCommit's double (../codecommit_double.py) with the orders and the faults of the forges' ones. Its access keys are called
as their tokens are, and have one secret. Of the faults it has those that its lists can have."""

import base64

import plain  # first: it knows where the others are

import codecommit_api  # isort: skip
import codecommit_double  # isort: skip
from aws_identities import Refused  # isort: skip

ACCOUNT, REGION, SECRET = "111122223333", "eu-central-1", "secret"
READS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["codecommit:Get*", "codecommit:List*", "codecommit:BatchGet*"], "Resource": "*"}
    ],
}


class CodeCommit(plain.Plain):
    def __init__(self, directory):
        keys = [{"id": f"token-{number}", "secret": SECRET} for number in range(1, 10)]
        keys.append({"id": "reader", "secret": SECRET, "policies": [READS]})
        self.aws = codecommit_double.Double({"accounts": {ACCOUNT: {"regions": {REGION: directory}, "keys": keys}}})
        super().__init__(directory)
        self.server.server_close()
        self.server, self.url = self.aws.server, self.aws.url
        self.aws.api = FaultyApi(self.aws.place, self)

    def calm_down(self):
        super().calm_down()
        keys = self.aws.identities.keys
        for name in keys:
            keys[name] = keys[name]._replace(expires=None)

    @property
    def log(self):
        return [{"target": each["operation"], "status": each["status"]} for each in self.aws.log]

    @log.setter
    def log(self, entries):
        self.aws.log[:] = entries


class FaultyApi(codecommit_api.CodeCommitApi):
    def __init__(self, place, forge):
        super().__init__(place, forge.page_size)
        self.forge = forge

    def answer(self, operation, key, region, request):
        self.page = self.forge.page_size
        if operation != "ListRepositories":
            return super().answer(operation, key, region, request)
        token = request.get("nextToken")
        start = int(base64.b64decode(token).split()[-1]) if token else 0
        wrong = {fault["what"]: fault for fault in self.forge.take_faults(start // self.page + 1)}
        self.refuse_page(wrong, key)
        shown = super().answer(operation, key, region, {} if "repeat" in wrong else request)
        if "omit" in wrong:
            del shown["repositories"][0]
        if "loop" in wrong:
            shown["nextToken"] = token
        if "malformed" in wrong:
            shown["repositories"] = None
        return shown

    def refuse_page(self, wrong, key):
        if "status" in wrong:
            raise Refused(wrong["status"]["status"], "InternalFailure", "cannot just now")
        if {"throttle", "secondary"} & set(wrong):
            raise Refused(400, "ThrottlingException", "Rate exceeded")
        if "expire" in wrong:
            self.forge.aws.identities.expire(key.id)
            raise Refused(400, "ExpiredKey", "The security token included in the request is expired")
