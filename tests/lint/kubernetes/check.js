// Checks each document in each file against the schema of its kind:
// NODE_PATH=.../node_modules node check.js FILE...
'use strict';
const fs = require('fs');
const yaml = require('js-yaml');

let bad = 0;
for (const file of process.argv.slice(2)) {
  for (const document of yaml.loadAll(fs.readFileSync(file, 'utf8'))) {
    const kind = `${document.apiVersion} ${document.kind}`;
    try {
      const model = require(`kubernetes-models/${document.apiVersion}`)[document.kind];
      new model(document).validate();
      console.log(`${file}: ${kind} is valid`);
    } catch (error) {
      bad++;
      console.error(`${file}: ${kind}: ${error.message}`);
    }
  }
}
process.exit(bad === 0 ? 0 : 1);
