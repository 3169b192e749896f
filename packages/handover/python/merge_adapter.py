"""Whole checkpoint from a downloaded one: an adapter is merged into its base model. `merge_adapter.py FROM TO BASE`."""

import os
import shutil
import sys


def main():
    source, output, base = sys.argv[1:4]
    adapters = [folder for folder, _, files in os.walk(source) if "adapter_config.json" in files]
    if not adapters:
        whole = [folder for folder, _, files in os.walk(source) if "config.json" in files]
        if not whole:
            raise SystemExit(f"{source} holds neither an adapter nor a checkpoint; download it again.")
        shutil.copytree(whole[0], output, dirs_exist_ok=True)
        return
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapters[0])
    model.merge_and_unload().save_pretrained(output)
    AutoTokenizer.from_pretrained(base).save_pretrained(output)


if __name__ == "__main__":
    main()
