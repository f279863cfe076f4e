import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv/", "runs/", "src/dressform/web/onnxruntime/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      "no-shadow": "error",
      "no-param-reassign": "error",
      "max-params": ["error", 7],
      "max-lines-per-function": ["error", { max: 60, skipComments: true }],
      complexity: ["error", 15],
    },
  },
  {
    files: ["src/dressform/web/**/*.js", "tests/browser/*.js"],
    languageOptions: { globals: globals.browser },
  },
  { files: ["tests/web/**/*.js", "*.js"], languageOptions: { globals: globals.node } },
];
