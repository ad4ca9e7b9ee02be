// What packferry has printed, as values. CloudFormation's short forms (!Ref, !GetAtt) become their long ones.
import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";

const folder = process.env.SETUP_DOCUMENTS;

const tags = yaml.DEFAULT_SCHEMA.extend([
  new yaml.Type("!Ref", { kind: "scalar", construct: (name) => ({ Ref: name }) }),
  new yaml.Type("!GetAtt", {
    kind: "scalar",
    construct: (text) => ({ "Fn::GetAtt": [text.split(".")[0], text.split(".").slice(1).join(".")] }),
  }),
]);

export const names = fs.readdirSync(folder).sort();
export const text = (name) => fs.readFileSync(path.join(folder, name), "utf8");
export const parse = (source) => yaml.load(source, { schema: tags });
export const read = (name) => parse(text(name));
