// Runs a fuzz target without libFuzzer, so with any compiler: first the files of a folder, then a fixed series of random
// inputs.
//
//     PROGRAM FOLDER [INPUTS [SEED]]
//     PROGRAM FILE

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using bytes = std::vector<std::uint8_t>;

bytes read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

bytes random(std::mt19937& source) {
    bytes made(source() % 400);
    for (auto& byte : made) byte = static_cast<std::uint8_t>(source() % 256);
    return made;
}

// Writes the input to a file in the working directory before running it, so that a failing input is kept.
void run(const std::filesystem::path& corpus, const bytes& input) {
    std::ofstream last("last-" + corpus.filename().string(), std::ios::binary);
    last.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    last.close();
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

int replay(const std::filesystem::path& path, unsigned inputs, unsigned seed) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(path)) {
        for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
    } else {
        files.push_back(path);
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) run(path, read(file));

    std::mt19937 source(seed);
    for (unsigned i = 0; i < inputs; ++i) run(path, random(source));
    std::printf("%zu files and %u random inputs: no rule broken\n", files.size(), inputs);
    return files.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: PROGRAM FOLDER [INPUTS [SEED]] | PROGRAM FILE\n", stderr), EXIT_FAILURE;
    const auto number = [&](int i, unsigned otherwise) {
        return argc > i ? static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10)) : otherwise;
    };
    try {
        return replay(argv[1], number(2, 0), number(3, 1));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
