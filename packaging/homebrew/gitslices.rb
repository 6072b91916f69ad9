# Filled in by scripts/release. `brew update-python-resources gitslices` adds the resources.
class Gitslices < Formula
  include Language::Python::Virtualenv

  desc "@SUMMARY@"
  homepage "https://pypi.org/project/gitslices/"
  url "https://files.pythonhosted.org/packages/source/g/gitslices/gitslices-@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "git"
  depends_on "python@3.13"

  def install
    virtualenv_install_with_resources
    bash_completion.install "gitslices/shells/init.bash" => "gitslices"
    fish_completion.install "gitslices/shells/init.fish" => "gitslices.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/gitslices --version")
    system bin/"gitslices", "demo", "--repository", testpath/"shop"
    assert_match "after api", shell_output("#{bin}/gitslices plan -C #{testpath}/shop")
  end
end
